"""Makes Bazaar histories by dice: a plugin of `brz` with one hidden command. The same seed, the same history.

    brz roll-dice BRANCH SEED FIRST LAST FORMAT

adds the revisions from FIRST up to LAST (without it). Written on Bazaar's repositories themselves, not by way of a working tree:
so there are changes that nobody would type, and a thousand revisions a minute.
"""

import hashlib
import os
import random

from breezy import branch as _branch, commands, controldir, errors
from breezy.bzr import inventory
from breezy.revision import NULL_REVISION, Revision

NAMES = ["a", "b", "c", "d", "e.txt", "Makefile", "f g", "ümläut", ".bzrignore", "lib", "src", "x.sh"]
ROOT = b"the-root"


class Item:
    """What Bazaar knows of one file identity in one revision."""

    def __init__(self, parent, name, kind, text=b"", is_executable=False):
        self.parent, self.name, self.kind, self.text, self.is_executable = parent, name, kind, text, is_executable
        self.revision = None

    def same(self, other):
        return vars(self) == vars(other)


class Dice:
    """One revision's worth of changes to a dictionary from file id to item."""

    def __init__(self, seed, number, items):
        self.random = random.Random("%d-%d" % (seed, number))
        self.number, self.items, self.made = number, items, 0

    def roll(self):
        moves = [self.add, self.add, self.add, self.modify, self.modify, self.modify, self.move, self.move, self.swap,
                 self.invert, self.remove, self.dissolve, self.change_kind, self.toggle]
        for _ in range(self.random.randint(1, 5)):
            self.random.choice(moves)()

    def pick(self, is_wanted=lambda item: True):
        found = [file_id for file_id, item in sorted(self.items.items()) if file_id != ROOT and is_wanted(item)]
        return self.random.choice(found) if found else None

    def children(self, file_id):
        return sorted(child for child, item in self.items.items() if item.parent == file_id)

    def is_within(self, file_id, folder):
        while file_id is not None:
            if file_id == folder:
                return True
            file_id = self.items[file_id].parent
        return False

    def free_place(self, file_id=None):
        folders = [f for f, item in sorted(self.items.items()) if item.kind == "directory"]
        folders = [f for f in folders if file_id is None or not self.is_within(f, file_id)]
        folder = self.random.choice(folders)
        taken = {self.items[child].name for child in self.children(folder)}
        free = [name for name in NAMES if name not in taken]
        return (folder, self.random.choice(free)) if free else None

    def new_text(self):
        return b"".join(b"%d %d\n" % (self.number, self.random.getrandbits(20)) for _ in range(self.random.randint(0, 12)))

    def add(self):
        place = self.free_place()
        if place is None:
            return
        kind = self.random.choice(["file", "file", "file", "directory", "directory", "symlink"])
        self.made += 1
        text = {"file": self.new_text(), "directory": b"", "symlink": b"../to/%d" % self.number}[kind]
        is_executable = kind == "file" and self.random.random() < 0.2
        self.items[b"id-%d-%d" % (self.number, self.made)] = Item(*place, kind, text, is_executable)

    def modify(self):
        file_id = self.pick(lambda item: item.kind == "file")
        if file_id is not None:
            self.items[file_id].text += self.new_text()

    def move(self):
        file_id = self.pick()
        place = file_id and self.free_place(file_id)
        if place:
            self.items[file_id].parent, self.items[file_id].name = place

    def swap(self):
        one, other = self.pick(), self.pick()
        if one is None or self.is_within(one, other) or self.is_within(other, one):
            return
        a, b = self.items[one], self.items[other]
        (a.parent, a.name), (b.parent, b.name) = (b.parent, b.name), (a.parent, a.name)

    def invert(self):
        """What was in a directory now holds it."""
        inner = self.pick(lambda item: item.kind == "directory" and item.parent != ROOT)
        if inner is None:
            return
        outer = self.items[inner].parent
        a, b = self.items[inner], self.items[outer]
        taken = {self.items[child].name for child in self.children(inner)}
        if b.name not in taken:
            place = (b.parent, b.name)
            b.parent = inner
            a.parent, a.name = place

    def remove(self):
        file_id = self.pick()
        if file_id is not None and len(self.items) > 4:
            for inside in [i for i in self.items if self.is_within(i, file_id)]:
                self.items.pop(inside)

    def dissolve(self):
        """A directory goes, what is in it does not."""
        file_id = self.pick(lambda item: item.kind == "directory")
        if file_id is None:
            return
        above = self.items[file_id].parent
        taken = {self.items[child].name for child in self.children(above)}
        inside = self.children(file_id)
        if not taken & {self.items[child].name for child in inside}:
            for child in inside:
                self.items[child].parent = above
            self.items.pop(file_id)

    def change_kind(self):
        file_id = self.pick()
        if file_id is None or self.children(file_id):
            return
        item = self.items[file_id]
        item.kind = self.random.choice([kind for kind in ("file", "directory", "symlink") if kind != item.kind])
        item.text = {"file": self.new_text(), "directory": b"", "symlink": b"elsewhere"}[item.kind]
        item.is_executable = False

    def toggle(self):
        file_id = self.pick(lambda item: item.kind == "file")
        if file_id is not None:
            self.items[file_id].is_executable = not self.items[file_id].is_executable


class Writer:
    """Puts revisions into a repository."""

    def __init__(self, branch):
        self.branch, self.repository = branch, branch.repository
        self.has_versioned_root = self.repository.supports_rich_root()

    def items_of(self, revision):
        if revision == NULL_REVISION:
            return {}
        tree = self.repository.revision_tree(revision)
        items = {}
        for path, entry in tree.iter_entries_by_dir():
            text = b""
            if entry.kind == "file":
                text = tree.get_file_text(path)
            elif entry.kind == "symlink":
                text = entry.symlink_target.encode("utf-8")
            item = Item(entry.parent_id, entry.name, entry.kind, text, bool(entry.executable))
            item.revision = entry.revision
            items[entry.file_id] = item
        return items

    @staticmethod
    def path(items, file_id):
        names = []
        while items[file_id].parent is not None:
            names.append(items[file_id].name)
            file_id = items[file_id].parent
        return "/".join(reversed(names))

    def entry(self, file_id, item):
        entry = inventory.make_entry(item.kind, item.name, item.parent, file_id)
        entry.revision = item.revision
        if item.kind == "file":
            entry.executable, entry.text_size = item.is_executable, len(item.text)
            entry.text_sha1 = hashlib.sha1(item.text).hexdigest().encode("ascii")
        elif item.kind == "symlink":
            entry.symlink_target = item.text.decode("utf-8")
        return entry

    def write(self, revision, base, parents, before, after):
        """Writes one revision; `before`: the items of its base."""
        delta = [(self.path(before, gone), None, gone, None) for gone in before if gone not in after]
        for file_id, item in after.items():
            is_same = file_id in before and item.same(before[file_id])
            if is_same and (file_id != ROOT or self.has_versioned_root):
                continue
            item.revision = revision.revision_id
            old_path = self.path(before, file_id) if file_id in before else None
            delta.append((old_path, self.path(after, file_id), file_id, self.entry(file_id, item)))
            if file_id != ROOT or self.has_versioned_root:
                text = item.text if item.kind == "file" else b""
                self.repository.texts.add_lines((file_id, revision.revision_id), (), text.splitlines(True))
        self.repository.add_inventory_by_delta(base, delta, revision.revision_id, parents)
        self.repository.add_revision(revision.revision_id, revision)


def told(number, dice, parents):
    """Who, when and what about: as odd as Bazaar lets it be."""
    properties = {"branch-nick": "nick %d" % (number // 10)}
    if dice.random.random() < 0.2:
        properties["authors"] = "Bob <bob@example.org>\nCy"
    if dice.random.random() < 0.1:
        properties["bugs"] = "https://bugs.example.org/%d fixed" % number
    committer = dice.random.choice(["Ada Lovelace <ada@example.org>", "cy", "dan@example.org", "Ünal <ü@example.org>"])
    return Revision(
        b"rev-%d" % number, parent_ids=parents, inventory_sha1=b"", properties=properties, committer=committer,
        message=dice.random.choice(["change %d", "change %d\n\nwith more\n", "grün %d", ""]).replace("%d", str(number)),
        timestamp=1_000_000_000 + number * 100 + 0.25, timezone=dice.random.choice([0, 3600, -12600, 20700]))


def add_revision(writer, seed, number):
    """One more revision: on the branch, beside it, or a merge of such."""
    branch = writer.branch
    tip = branch.last_revision()
    random_ = random.Random("%d/%d" % (seed, number))
    earlier = [b"rev-%d" % n for n in range(number)]
    what = random_.random() if number > 3 else 1
    parents = [tip] if tip != NULL_REVISION else []
    is_beside = what < 0.25
    if is_beside:
        parents = [random_.choice(earlier)]
    elif what < 0.5:
        other = random_.choice(earlier)
        if other != tip:
            parents.append(other)
    if random_.random() < 0.05:
        parents.append(b"ghost-%d" % number)
    base = parents[0] if parents else NULL_REVISION
    before, after = writer.items_of(base), writer.items_of(base)
    if not after:
        after[ROOT] = Item(None, "", "directory")
    dice = Dice(seed, number, after)
    dice.roll()
    writer.write(told(number, dice, parents), base, parents, before, after)
    if not is_beside:
        branch.set_last_revision_info(branch.revno() + 1, b"rev-%d" % number)
    return b"rev-%d" % number, random_


class cmd_roll_dice(commands.Command):
    """Adds revisions by dice."""

    hidden = True
    takes_args = ["location", "seed", "first", "last", "format_name"]

    def run(self, location, seed, first, last, format_name):
        try:
            branch = _branch.Branch.open(location)
        except errors.NotBranchError:
            os.makedirs(location)
            branch = controldir.ControlDir.create_branch_convenience(
                location, force_new_repo=True, force_new_tree=False,
                format=controldir.format_registry.make_controldir(format_name))
        with branch.lock_write():
            writer = Writer(branch)
            for number in range(int(first), int(last)):
                branch.repository.start_write_group()
                revision, random_ = add_revision(writer, int(seed), number)
                branch.repository.commit_write_group()
                if branch.supports_tags() and random_.random() < 0.15:
                    branch.tags.set_tag("tag %d/é" % number, revision)
            if branch.supports_tags():
                branch.tags.set_tag("nowhere", b"not-there")


commands.register_command(cmd_roll_dice)
