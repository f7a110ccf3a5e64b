"""Makes history at random: the same seed, the same history. Runs of it add to what is there.

    generate.py REPOSITORY SEED COUNT

Merges, branches, further heads, closed heads, renames, deleted files, directories where files were, modes, links, bookmarks, tags.
"""
import random
import sys

from mercurial import bookmarks, context, hg, ui as uimod

ui = uimod.ui.load()
ui.setconfig(b"ui", b"quiet", True)
ui.setconfig(b"phases", b"publish", True)
path, seed, count = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3])
repo = hg.repository(ui, path)
dice = random.Random("%d %d" % (seed, len(repo)))
PLACES = [b"a", b"b", b"d/a", b"d/b", b"d/e/f", b"g/h", "gr\u00fcn/\u00e4".encode(), b"with space", b".hgignore", b"d2/x.txt"]
USERS = ["Ada <ada@example.org>", "bob", "eve@example.org", "Gr\u00fcn <g@x>", "odd <a <b>"]


def text():
    lines = [b"line %d" % dice.randrange(30) for _ in range(dice.randrange(40))]
    return dice.choice([b"", b"\x01\n", b"\0"]) + b"\n".join(lines)


def pick_parents():
    heads = repo.heads()
    if dice.random() < 0.15 and len(repo) > 3:
        return [repo[dice.randrange(len(repo))].node()]
    if dice.random() < 0.25 and len(heads) > 1:
        return dice.sample(heads, 2)
    return [dice.choice(heads)] if len(repo) else [repo.nullid]


for number in range(count):
    parents = pick_parents()
    base = repo[parents[0]]
    files, manifest = {}, base.manifest()
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        place = dice.choice(PLACES)
        if dice.random() < 0.1:
            place += b"/below"
        if place in manifest and dice.random() < 0.3:
            files[place] = None
        else:
            files[place] = (text(), dice.choice(["", "", "", "x", "l"]), None)
            old = dice.choice(list(manifest) or [None])
            if old and old not in files and old != place and dice.random() < 0.3:
                files[place] = (base[old].data(), base.flags(old), old)
                files[old] = None
    if len(parents) == 2:
        # As a merge of trees would be: what the other side has and this one has not.
        for other in repo[parents[1]]:
            if other not in manifest and other not in files:
                files[other] = (repo[parents[1]][other].data(), repo[parents[1]].flags(other), None)
    if dice.random() < 0.15 and len(repo) > 2:
        tags = base[b".hgtags"].data() if b".hgtags" in manifest else b""
        node = repo[dice.randrange(len(repo))].hex()
        if dice.random() < 0.2:
            node = b"0" * 40
        files[b".hgtags"] = (tags + node + b" v%d\n" % dice.randrange(8), "", None)
    # A path is a file or a directory, not both: what is new wins.
    new = [place for place, what in files.items() if what]
    for place in list(new):
        for other in list(manifest) + new:
            if other != place and files.get(other, True) and (other.startswith(place + b"/") or place.startswith(other + b"/")):
                if other in manifest:
                    files[other] = None
                else:
                    files.pop(other, None)
    files = {place: what for place, what in files.items() if what or place in manifest}

    def filectx(repo, ctx, place):
        what = files.get(place)
        if what is None:
            return None
        data, flags, copied = what
        if "l" in str(flags):
            data = b"target/%d" % dice.randrange(9)
        flags = flags if isinstance(flags, str) else flags.decode()
        return context.memfilectx(repo, ctx, place, data, islink="l" in flags, isexec="x" in flags, copysource=copied)

    extra = {b"branch": base.branch() if base.rev() >= 0 else b"default"}
    if dice.random() < 0.12:
        extra[b"branch"] = b"feature/%d" % dice.randrange(4) if dice.random() < 0.7 else b"feature"
    if dice.random() < 0.05:
        extra[b"close"] = b"1"
    date = (dice.choice([0, 86400 * 365 * 30]) + number * 1000, dice.choice([0, -7200, 12600, 18000, -20700]))
    made = context.memctx(repo, (parents + [repo.nullid])[:2], b"change %d\n\nin %d words" % (number, dice.randrange(9)),
                          sorted(files), filectx, dice.choice(USERS).encode(), b"%d %d" % date, extra)
    with repo.lock(), repo.transaction(b"commit") as transaction:
        node = repo.commitctx(made)
        if dice.random() < 0.1:
            name = b"mark %d" % dice.randrange(3)
            bookmarks.addbookmarks(repo, transaction, [name], rev=repo[node].hex(), force=True)
