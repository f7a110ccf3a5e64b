"""Makes the history that is measured with. Runs of it add to what is there; the same runs give the same history.

    history.py REPOSITORY COUNT

Some 300 files of 1 to 20 KB in 24 folders, a named branch begun every 80 changesets, kept up by merges from default, merged into it and
closed; a tag every 50.
"""
import random
import sys

from mercurial import context, hg, ui as uimod

FILES = 300
WORDS = "buffer cache client config cursor digest entry filter frame handle index lookup message offset parser record".split()
VERBS = "append apply check close find flush insert merge open read reset write".split()
USERS = [b"Ada <ada@example.org>", b"Bob <bob@example.org>", b"Eve <eve@example.org>"]

ui = uimod.ui.load()
ui.setconfig(b"ui", b"quiet", True)
repo = hg.repository(ui, sys.argv[1].encode())
dice = random.Random("bench %d" % len(repo))


def line():
    a, b, verb, number = dice.choice(WORDS), dice.choice(WORDS), dice.choice(VERBS), dice.randrange(100000)
    return dice.choice([
        "static int %s_%s_%d(struct %s *%s)\n" % (verb, a, number, b, b),
        "    if (%s->%s > %d) {\n" % (a, b, number),
        "        return %s_%s(%s, %d);\n    }\n" % (verb, a, b, number),
        "    /* %s the %s before the %s of item %d */\n" % (verb, a, b, number),
        "    %s->%s = %s_%s(%s, \"%d\");\n\n" % (a, b, verb, b, a, number),
    ]).encode()


def new_text():
    return b"".join(line() for _ in range(dice.randrange(25, dice.randrange(40, 520))))


def edited(text):
    lines = text.splitlines(True)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(lines) + 1)
        lines[at:at + dice.randrange(4)] = [line() for _ in range(dice.randrange(1, 5))]
    return b"".join(lines)


def new_path(number):
    return b"d%d/%s_%d.c" % (number % 24, dice.choice(VERBS).encode(), number)


def edits(base):
    """What a changeset of work changes: mostly lines, sometimes which files there are."""
    places = sorted(place for place in base.manifest() if place.startswith(b"d"))
    files = {place: edited(base[place].data()) for place in dice.sample(places, dice.randrange(1, 4))}
    if dice.random() < 0.1:
        files[new_path(FILES + len(repo))] = new_text()
    if dice.random() < 0.03:
        files[dice.choice(places)] = None
    return files


def merged(base, other):
    """What a merge takes over: files that only the other side changed, and lines of the other side where both did."""
    ancestor = base.ancestor(other)
    before, mine, theirs = ancestor.manifest(), base.manifest(), other.manifest()
    changed = [place for place in sorted(set(before) | set(theirs)) if before.get(place) != theirs.get(place)]
    files = {}
    for place in changed:
        if theirs.get(place) == mine.get(place):
            continue
        if before.get(place) == mine.get(place):
            files[place] = other[place].data() if place in theirs else None
        elif place in mine and place in theirs:
            files[place] = base[place].data() + other[place].data()[-200:]
    return files


def commit(parents, files, branch, message, close=False):
    def filectx(repo, ctx, place):
        data = files[place]
        return None if data is None else context.memfilectx(repo, ctx, place, data)

    extra = {b"branch": branch}
    if close:
        extra[b"close"] = b"1"
    number = len(repo)
    date = b"%d %d" % (1000000000 + 1200 * number, dice.choice([0, -3600, 18000]))
    parents = [parent.node() for parent in parents] + [repo.nullid] * 2
    made = context.memctx(repo, parents[:2], message, sorted(files), filectx, USERS[number % 3], date, extra)
    tips[branch] = repo.commitctx(made)
    if close:
        del tips[branch]


def step():
    number = len(repo)
    if number == 0:
        return commit([], {new_path(n): new_text() for n in range(FILES)}, b"default", b"begin")
    trunk = repo[tips[b"default"]]
    branches = sorted(name for name in tips if name != b"default")
    if number % 80 == 40:
        return commit([trunk], edits(trunk), b"work/%d" % number, b"begin work %d" % number)
    if number % 50 == 0:
        tags = trunk[b".hgtags"].data() if b".hgtags" in trunk else b""
        return commit([trunk], {b".hgtags": tags + trunk.hex() + b" v%d\n" % number}, b"default", b"tag v%d" % number)
    if not branches or dice.random() < 0.6:
        return commit([trunk], edits(trunk), b"default", b"change %d of default" % number)
    branch = dice.choice(branches)
    tip = repo[tips[branch]]
    chance = dice.random()
    if chance < 0.15 and not trunk.isancestorof(tip):
        commit([tip, trunk], merged(tip, trunk), branch, b"merge default into %s" % branch)
    elif chance < 0.25 and not tip.isancestorof(trunk):
        commit([trunk, tip], merged(trunk, tip), b"default", b"merge %s" % branch)
    elif chance < 0.27 and len(branches) > 2:
        commit([tip], {}, branch, b"close %s" % branch, close=True)
    else:
        commit([tip], edits(tip), branch, b"change %d of %s" % (number, branch))


tips = {name: tip for name, heads, tip, closed in repo.branchmap().iterbranches() if not closed}
with repo.lock(), repo.transaction(b"history"):
    for _ in range(int(sys.argv[2])):
        step()
