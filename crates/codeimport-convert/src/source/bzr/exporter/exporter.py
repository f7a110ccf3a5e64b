"""Tells codeimport what a Bazaar branch has: run by `brz` itself, as a plugin with one hidden command.

Asked on standard input (one JSON object, see `request.rs`), answers on standard output in records:

    kind (1 byte), then fields: a field is its length (8 bytes, big-endian) and its bytes; a number is a field of digits.

`stream.rs` reads them. What can only be told here is told, and nothing is decided: base and parents by name, each text once
under the number of its record, each revision as what changes in its first parent's tree. An error is a record, too.
"""

import json
import os
import shutil
import socket
import sys
import time
import zlib

from breezy import branch as _branch, commands, controldir, errors, osutils, ui, url_policy_open, urlutils
from breezy import transport as _transport
from breezy.bzr import BzrProber, RemoteBzrProber, inventory as _inventory
from breezy.repository import Repository
from breezy.revision import NULL_REVISION

# Raised with every change of the records.
FORMAT = 1

# Revisions read together: their inventories and texts are fetched with few questions.
BATCH = 250

# Up to so many new revisions, or a third of those that are known, are asked of the server one by one; for more the history is
# copied first. One by one, a revision costs somewhat more than in a copy, but a copy has all of them.
DIRECT = 150

# Between two signs of life, in seconds.
BEAT = 0.5

# Stands for the base of a revision that has none.
NO_BASE = b""


class Answer:
    """Records on standard output."""

    def __init__(self, out):
        self._out = out

    def record(self, kind, *fields):
        parts = [kind]
        for field in fields:
            if isinstance(field, int):
                field = b"%d" % field
            elif isinstance(field, str):
                # Names and messages that no encoding of text has are told as near as can be.
                field = field.encode("utf-8", "replace")
            parts.append(len(field).to_bytes(8, "big"))
            parts.append(field)
        self._out.write(b"".join(parts))

    def flush(self):
        self._out.flush()


class Beat(ui.SilentUIFactory):
    """Counts what transports move and says so now and then: silence means that nothing comes from the server."""

    def __init__(self, answer):
        super().__init__()
        self._answer = answer
        self._bytes = 0
        self._last = 0.0

    def report_transport_activity(self, transport, byte_count, direction):
        if direction == "read":
            self._bytes += byte_count or 0
            self.beat()

    def _progress_updated(self, task):
        # Work on this disk, while nothing has to come.
        self.beat()

    def beat(self, now=False):
        if now or time.monotonic() - self._last > BEAT:
            self._last = time.monotonic()
            self._answer.record(b"P", self._bytes)
            self._answer.flush()


class Elsewhere(errors.BzrError):
    """A branch that lies, in part or whole, where nobody has approved."""

    _fmt = "The branch refers to %(url)s"


class SameHost(url_policy_open.BranchOpenPolicy):
    """References, stacks and redirections are followed on the same host and port only."""

    def __init__(self, url):
        self._place = self._place_of(url)

    @staticmethod
    def _place_of(url):
        url = urlutils.URL.from_string(url)
        # With or without a smart server in front, it is the same place.
        return url.scheme.removeprefix("bzr+"), url.host, url.port

    def should_follow_references(self):
        return True

    def transform_fallback_location(self, branch, url):
        return urlutils.join(branch.base, url), True

    def check_one_url(self, url):
        if self._place_of(str(url)) != self._place:
            raise Elsewhere(url=url)


def open_branch(request):
    """The branch at the address that was asked for."""
    url = request["url"]
    if request.get("username") is not None:
        parsed = urlutils.URL.from_string(url)
        parsed.quoted_user = urlutils.quote(request["username"], safe="")
        parsed.quoted_password = urlutils.quote(request["password"], safe="")
        url = str(parsed)
    opener = url_policy_open.BranchOpener(SameHost(url), [RemoteBzrProber, BzrProber])
    return opener.open(url)


def unknown_ancestry(repository, heads, known):
    """Parents of all revisions that the heads lead to and that are not known yet; absent ones have no entry."""
    graph = repository.get_graph()
    parents, absent = {}, set()
    pending = {head for head in heads if head not in known and head != NULL_REVISION}
    while pending:
        found = graph.get_parent_map(pending)
        absent.update(pending - found.keys())
        # A revision without parents is told to have the null revision for one.
        for revision, its in found.items():
            parents[revision] = [parent for parent in its if parent != NULL_REVISION]
        pending = {parent for revision in found for parent in parents[revision]}
        pending = {revision for revision in pending if revision not in parents and revision not in absent and revision not in known}
    return parents


def in_order(heads, parents):
    """Parents first; what a revision merges right in front of it, and its first parent before that.

    So each beginning of the list ends with all that its newest revision of the main line has.
    """
    ordered, seen = [], set()
    for head in heads:
        stack = [(head, False)]
        while stack:
            revision, is_ready = stack.pop()
            if is_ready:
                ordered.append(revision)
            elif revision in parents and revision not in seen:
                seen.add(revision)
                stack.append((revision, True))
                # The first parent is on top.
                stack.extend((parent, False) for parent in reversed(parents[revision]))
    return ordered


def mainline_of(tip, parents):
    """Those of the new revisions that lie on the branch's own line."""
    mainline = set()
    while tip in parents and tip not in mainline:
        mainline.add(tip)
        tip = next(iter(parents[tip]), None)
    return mainline


def kept_repository(path, branch, heads):
    """A copy of the history on this disk, made or brought up to date."""
    try:
        kept = Repository.open(path)
    except (errors.NotBranchError, errors.NoRepositoryPresent):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        kept = branch.controldir.cloning_metadir().initialize(path).create_repository()
    # All at once: each fetch costs some questions, and there may be hundreds of tags.
    missing = kept.search_missing_revision_ids(branch.repository, revision_ids=heads, find_ghosts=False)
    kept.fetch(branch.repository, fetch_spec=missing)
    return kept


class Exporter:
    """Tells revisions with their texts."""

    def __init__(self, repository, parents, known, mainline, answer, beat):
        self._repository = repository
        self._parents = parents
        self._mainline = mainline
        self._known = known
        self._answer = answer
        self._beat = beat
        # (file id, revision) -> number.
        self._texts = {}
        self._text_count = 0

    def tell(self, revisions):
        told = set(self._known)
        for first in range(0, len(revisions), BATCH):
            batch = revisions[first:first + BATCH]
            bases = {}
            for revision in batch:
                # Those in the same batch are told before it.
                bases[revision] = next((p for p in self._parents[revision] if p in told), None)
                told.add(revision)
            self._tell_batch(batch, bases, told)
            self._beat.beat(now=True)

    def _tell_batch(self, batch, bases, told):
        wanted = set(batch).union(base for base in bases.values() if base is not None)
        inventories = {}
        for inventory in self._repository.iter_inventories(sorted(wanted)):
            inventories[inventory.revision_id] = inventory
            self._beat.beat()
        deltas = {}
        for revision in batch:
            deltas[revision] = delta(inventories[revision], inventories.get(bases[revision]))
            self._beat.beat()
        self._tell_texts(deltas)
        # They come in any order, and go with their parents first.
        revisions = dict(self._repository.iter_revisions(batch))
        for revision in batch:
            if revisions.get(revision) is None:
                raise errors.NoSuchRevision(self._repository, revision)
            self._tell_revision(revisions[revision], bases[revision], told, deltas[revision])

    def _tell_texts(self, deltas):
        """Tells the texts that were not told yet. The records' order gives their numbers."""
        wanted = []
        for changes in deltas.values():
            for _, new_path, file_id, entry in changes:
                if new_path is not None and entry.kind == "file":
                    key = (file_id, entry.revision)
                    if key not in self._texts:
                        self._texts[key] = None
                        wanted.append((file_id, entry.revision, key))
        for key, chunks in self._repository.iter_files_bytes(wanted):
            self._texts[key] = self._text_count
            self._text_count += 1
            self._answer.record(b"T", b"".join(chunks))

    def _tell_revision(self, revision, base, told, changes):
        parents = self._parents[revision.revision_id]
        is_mainline = revision.revision_id in self._mainline
        fields = [revision.revision_id, NO_BASE if base is None else base, 1 if is_mainline else 0, len(parents)]
        for parent in parents:
            fields += [1 if parent in told else 0, parent]
        fields += [revision.committer or "", int(revision.timestamp // 1), int(revision.timezone or 0)]
        fields += [revision.message or "", len(revision.properties)]
        for name, value in sorted(revision.properties.items()):
            fields += [name, value]
        fields.append(len(changes))
        for old_path, new_path, _, entry in changes:
            fields += self._change(old_path, new_path, entry)
        self._answer.record(b"R", *fields)

    def _change(self, old_path, new_path, entry):
        """Old path, what is new, and if anything is: path and content. A path may be that of the root, which is empty."""
        old = [b"-"] if old_path is None else [b"+" + old_path.encode("utf-8", "surrogateescape")]
        if new_path is None:
            return old + [b"-"]
        new = old + [b"+" + new_path.encode("utf-8", "surrogateescape")]
        if entry.kind == "file":
            kind = b"x" if entry.executable else b"f"
            return new + [kind, self._texts[(entry.file_id, entry.revision)], entry.text_sha1 or b""]
        if entry.kind == "symlink":
            return new + [b"l", entry.symlink_target.encode("utf-8", "surrogateescape")]
        if entry.kind == "directory":
            return new + [b"d"]
        return new + [b"?", entry.kind]


def delta(inventory, base):
    """What has to change in a tree so that it becomes another: (old path, new path, file id, new entry) each."""
    if base is None:
        return [(None, path, entry.file_id, entry) for path, entry in inventory.iter_entries_by_dir()]
    make_delta = getattr(inventory, "make_delta", None) or inventory._make_delta
    if isinstance(inventory, _inventory.CHKInventory) != isinstance(base, _inventory.CHKInventory):
        make_delta = lambda base: _inventory.CommonInventory._make_delta(inventory, base)
    return make_delta(base)


def tags_of(branch):
    """The stored form of the tags, by which one sees whether they have changed, and what they are."""
    get_bytes = getattr(branch, "_get_tags_bytes", None)
    if get_bytes is None or not branch.supports_tags():
        return b"", {}
    return get_bytes(), branch.tags.get_tag_dict()


def tell_position(branch, answer):
    """Where the branch stands."""
    tip = branch.last_revision()
    stored, tags = tags_of(branch)
    answer.record(b"B", tip, stored, branch.repository._format.get_format_description())
    return tip, tags


def tell_history(request, branch, answer, beat):
    """All that is new, or the first part of it."""
    tip, tags = tell_position(branch, answer)
    known = {revision.encode("utf-8") for revision in request["known"]}
    names = sorted(tags)
    heads = [tip] + [tags[name] for name in names]
    parents = unknown_ancestry(branch.repository, heads, known)
    ordered = in_order(heads, parents)
    for name in names:
        is_there = tags[name] in parents or tags[name] in known
        answer.record(b"G", name, tags[name], 1 if is_there else 0)
    now = ordered[:request["limit"]]
    answer.record(b"N", len(ordered), len(now))
    answer.flush()
    repository = branch.repository
    if request["mode"] == "log":
        return tell_log(repository, ordered, answer)
    if request.get("kept") and len(now) > max(DIRECT, len(known) // 3):
        repository = kept_repository(request["kept"], branch, [head for head in heads if head in parents])
    with repository.lock_read():
        Exporter(repository, parents, known, mainline_of(tip, parents), answer, beat).tell(now)


def tell_log(repository, revisions, answer):
    """Who made the revisions, and nothing of what is in them."""
    for _, what in repository.iter_revisions(revisions):
        if what is not None:
            answer.record(b"L", what.get_apparent_authors()[0], int(what.timestamp // 1))


def run(request, answer, beat):
    branch = open_branch(request)
    with branch.lock_read():
        if request["mode"] == "position":
            tell_position(branch, answer)
        else:
            tell_history(request, branch, answer, beat)
    answer.record(b"E")


# What an error means. The first that fits; by name, because where they live differs from version to version.
MEANINGS = [
    ("elsewhere", {"Elsewhere", "BadUrl", "BranchReferenceForbidden", "BranchLoopError", "RedirectRequested"}),
    ("format", {"UnsupportedFormatError", "UnknownFormatError", "IncompatibleFormat", "UnsupportedProtocol", "BadConversionTarget"}),
    ("missing", {"NotBranchError", "NoRepositoryPresent"}),
    ("refused", {"AuthenticationFailed", "PermissionDenied"}),
    ("unreachable", {
        "ConnectionError", "ConnectionTimeout", "SocketConnectionError", "ConnectionReset", "ConnectionResetError",
        "ConnectionRefusedError", "BrokenPipeError", "TimeoutError", "timeout", "gaierror", "UnusableRedirect",
        "InvalidHttpResponse", "UnexpectedHttpStatus", "BadHttpRequest",
    }),
]


def meaning_of(error):
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, OSError) and error.errno in (28, 30, 122):
        return "disk"
    if "UnexpectedHttpStatus" in names and getattr(error, "code", 0) in (401, 403):
        return "refused"
    for meaning, kinds in MEANINGS:
        if names & kinds:
            return meaning
    # What is left is a repository that cannot be read, or a server that does not keep to its protocol.
    return "broken"


class cmd_codeimport_export(commands.Command):
    """Tells codeimport what a branch has."""

    hidden = True

    def run(self):
        answer = Answer(sys.stdout.buffer)
        beat = Beat(answer)
        ui.ui_factory = beat
        answer.record(b"H", FORMAT)
        try:
            run(json.load(sys.stdin), answer, beat)
        except Exception as error:  # Whatever it is, it has to be told.
            answer.record(b"X", meaning_of(error), type(error).__name__, str(error))
        answer.flush()


commands.register_command(cmd_codeimport_export)
