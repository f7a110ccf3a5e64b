"""Makes a Bazaar branch to measure with: a plugin of `brz` with one hidden command.

    brz make-history BRANCH FIRST LAST moving|still

writes the revisions from FIRST up to LAST (without it). What is in them is always made up from the first one on, so the same numbers
give the same history however it is written in parts. Written on Bazaar's repository itself: a working tree would take an hour.

300 files of 1 to 20 KB in 30 directories of two levels. Most revisions change a few files; some add, rename, remove; each
hundredth moves a directory or lets two swap names, unless they are to stay still. After each tenth on the trunk, a line of four beside it is merged.
"""

import collections
import hashlib
import itertools
import os
import random

from breezy import branch as _branch, commands, controldir, errors
from breezy.bzr import inventory
from breezy.revision import NULL_REVISION, Revision

SEED = 7
FILES = 300
TOP, BELOW = 10, 2
ROOT = b"the-root"

# Revisions written at once: each time a pack.
GROUP = 100

# Of a cycle: how many revisions are on the trunk, and then how many beside it, from the second one on; then they are merged.
TRUNK, BESIDE = 10, 4

WORDS = "the of line branch text and value return if else case new old error none some file path name tree list next".split()

Item = collections.namedtuple("Item", "parent name kind text revision before")


def line(dice):
    return (" ".join(dice.choices(WORDS, k=8)) + " %d\n" % dice.getrandbits(30)).encode("ascii")


class Change:
    """One revision: what it changes in the items of its first parent, by file id."""

    def __init__(self, number, parents, is_beside=False):
        self.dice = random.Random("%d-%d" % (SEED, number))
        self.number, self.parents, self.is_beside = number, parents, is_beside
        self.revision = b"rev-%d" % number
        self.before = parents[0].items if parents else {}
        self.items = dict(self.before)

    def put(self, file_id, parent, name, kind="file", text=b"", before=()):
        self.items[file_id] = Item(parent, name, kind, text, self.revision, before)

    def replace(self, file_id, **new):
        item = self.items[file_id]
        # What is changed twice in a revision comes after the one before all the same.
        before = item.before if item.revision == self.revision else (item.revision,)
        self.items[file_id] = item._replace(revision=self.revision, before=before, **new)

    def begin(self):
        self.put(ROOT, None, "", "directory")
        for top in range(TOP):
            self.put(b"dir-%d" % top, ROOT, "d%d" % top, "directory")
            for below in range(BELOW):
                self.put(b"dir-%d-%d" % (top, below), b"dir-%d" % top, "s%d" % below, "directory")
        for nth in range(FILES):
            self.add(nth)

    def add(self, nth=0):
        name = b"file-%d-%d" % (self.number, nth)
        text = b"".join(line(self.dice) for _ in range(self.dice.randint(20, 380)))
        self.put(name, self.folder(), name.decode("ascii") + ".c", text=text)

    def folder(self):
        return self.dice.choice(sorted(i for i, item in self.items.items() if item.kind == "directory"))

    def file(self):
        return self.dice.choice(sorted(i for i, item in self.items.items() if item.kind == "file"))

    def modify(self):
        file_id = self.file()
        lines = self.items[file_id].text.splitlines(True)
        for _ in range(self.dice.randint(1, 6)):
            lines[self.dice.randrange(len(lines))] = line(self.dice)
        self.replace(file_id, text=b"".join(lines))

    def move_file(self):
        self.replace(self.file(), parent=self.folder(), name="moved-%d.c" % self.number)

    def move_folder(self):
        """Of the lower level, so that none comes to lie in itself."""
        folder = b"dir-%d-%d" % (self.dice.randrange(TOP), self.dice.randrange(BELOW))
        self.replace(folder, parent=b"dir-%d" % self.dice.randrange(TOP), name="moved-%d" % self.number)

    def swap_folders(self):
        one, other = self.dice.sample([b"dir-%d" % top for top in range(TOP)], 2)
        names = self.items[one].name, self.items[other].name
        self.replace(one, name=names[1])
        self.replace(other, name=names[0])

    def on_trunk(self, folders):
        if self.number == 0:
            return self.begin()
        self.anywhere()
        if self.number % 100 < 2 and folders == "moving":
            self.dice.choice([self.move_folder, self.swap_folders])()

    def anywhere(self):
        for _ in range(self.dice.randint(1, 4)):
            self.modify()
        what = self.dice.random()
        if what < 0.1:
            self.add()
        elif what < 0.15:
            self.move_file()
        elif what < 0.18:
            self.items.pop(self.file())

    def merge(self, base, other):
        """Takes over what the other line has changed since `base`; what both did is new to both."""
        for file_id in sorted(set(base) | set(other)):
            old, ours, theirs = base.get(file_id), self.items.get(file_id), other.get(file_id)
            if theirs is old:
                continue
            if ours is old:
                if theirs is None:
                    self.items.pop(file_id)
                else:
                    self.items[file_id] = theirs
            elif ours is not None and theirs is not None:
                text = ours.text + line(self.dice)
                self.put(file_id, ours.parent, ours.name, text=text, before=(ours.revision, theirs.revision))


def history(folders):
    """All revisions in order, without an end."""
    numbers = itertools.count()
    trunk = []
    while True:
        for nth in range(TRUNK):
            trunk = [Change(next(numbers), trunk)]
            trunk[0].on_trunk(folders)
            yield trunk[0]
            if nth == 1:
                base = beside = trunk[0]
        for _ in range(BESIDE):
            beside = Change(next(numbers), [beside], is_beside=True)
            beside.anywhere()
            yield beside
        trunk = [Change(next(numbers), trunk + [beside])]
        trunk[0].merge(base.items, beside.items)
        yield trunk[0]


class Writer:
    """Puts revisions into a branch."""

    def __init__(self, branch):
        self.branch, self.repository = branch, branch.repository

    @staticmethod
    def path(items, file_id):
        names = []
        while items[file_id].parent is not None:
            names.append(items[file_id].name)
            file_id = items[file_id].parent
        return "/".join(reversed(names))

    @staticmethod
    def entry(file_id, item):
        entry = inventory.make_entry(item.kind, item.name, item.parent, file_id)
        entry.revision = item.revision
        if item.kind == "file":
            entry.executable, entry.text_size = False, len(item.text)
            entry.text_sha1 = hashlib.sha1(item.text).hexdigest().encode("ascii")
        return entry

    def write(self, change):
        before, after, revision = change.before, change.items, change.revision
        delta = [(self.path(before, gone), None, gone, None) for gone in before if gone not in after]
        for file_id, item in after.items():
            if item is before.get(file_id):
                continue
            old_path = self.path(before, file_id) if file_id in before else None
            delta.append((old_path, self.path(after, file_id), file_id, self.entry(file_id, item)))
            if item.revision == revision:
                texts = [(file_id, earlier) for earlier in item.before]
                self.repository.texts.add_lines((file_id, revision), texts, item.text.splitlines(True))
        parents = [parent.revision for parent in change.parents]
        base = parents[0] if parents else NULL_REVISION
        self.repository.add_inventory_by_delta(base, delta, revision, parents)
        self.repository.add_revision(revision, told(change.number, parents))
        if not change.is_beside:
            self.branch.set_last_revision_info(self.branch.revno() + 1, revision)


def told(number, parents):
    """Who, when and what about."""
    return Revision(
        b"rev-%d" % number, parent_ids=parents, inventory_sha1=b"", properties={"branch-nick": "trunk"},
        committer="Ada Lovelace <ada%d@example.org>" % (number % 20), message="Change %d\n\nwith a reason.\n" % number,
        timestamp=1_000_000_000 + number * 600, timezone=3600)


class cmd_make_history(commands.Command):
    """Makes up a branch."""

    hidden = True
    takes_args = ["location", "first", "last", "folders"]

    def run(self, location, first, last, folders):
        try:
            branch = _branch.Branch.open(location)
        except errors.NotBranchError:
            os.makedirs(location)
            branch = controldir.ControlDir.create_branch_convenience(
                location, force_new_repo=True, force_new_tree=False,
                format=controldir.format_registry.make_controldir("2a"))
        with branch.lock_write():
            add(branch, int(first), int(last), folders)


def add(branch, first, last, folders):
    """Adds those revisions to a branch that has all before them."""
    writer, repository = Writer(branch), branch.repository
    repository.start_write_group()
    for change in itertools.islice(history(folders), last):
        if change.number >= first:
            writer.write(change)
            if (change.number + 1) % GROUP == 0:
                repository.commit_write_group()
                repository.start_write_group()
    repository.commit_write_group()
    # As in a branch that has been there for long.
    if first == 0:
        repository.pack()


commands.register_command(cmd_make_history)
