"""What Mercurial itself says of each changeset of a repository, a line of JSON each.

    truth.py REPOSITORY SCRATCH

The tree is worked out here from what `hg archive` writes, so that the engine has no part in it.
"""
import hashlib
import json
import os
import shutil
import sys

from mercurial import commands, hg, ui as uimod


def git_object(kind, content):
    return hashlib.sha1(kind + b" %d\0" % len(content) + content).digest()


def tree(folder):
    entries = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            entries.append((name, b"120000", git_object(b"blob", os.readlink(path))))
        elif os.path.isdir(path):
            below = tree(path)
            if below is not None:
                entries.append((name + b"/", b"40000", below))
        else:
            mode = b"100755" if os.stat(path).st_mode & 0o100 else b"100644"
            with open(path, "rb") as file:
                entries.append((name, mode, git_object(b"blob", file.read())))
    if not entries:
        return None
    content = b"".join(mode + b" " + name.rstrip(b"/") + b"\0" + id for name, mode, id in sorted(entries))
    return git_object(b"tree", content)


ui = uimod.ui.load()
ui.setconfig(b"ui", b"archivemeta", False)
ui.setconfig(b"ui", b"quiet", True)
repository, scratch = sys.argv[1].encode(), sys.argv[2].encode()
repo = hg.repository(ui, repository).filtered(b"served")
for rev in repo:
    ctx = repo[rev]
    folder = os.path.join(scratch, b"export")
    os.mkdir(folder)
    if ctx.manifest():
        commands.archive(ui, repo, folder, rev=b"%d" % rev, type=b"files", no_decode=True, prefix=b"")
    seconds, offset = ctx.date()
    print(json.dumps({
        "node": ctx.hex().decode(),
        "tree": (tree(folder) or git_object(b"tree", b"")).hex(),
        "parents": [parent.hex().decode() for parent in ctx.parents() if parent.rev() >= 0],
        "user": ctx.user().decode("utf-8", "replace"),
        "seconds": int(seconds),
        "offset": offset,
        "branch": ctx.branch().decode("utf-8", "replace"),
        "message": ctx.description().decode("utf-8", "replace"),
    }))
    shutil.rmtree(folder)
print(json.dumps({"tags": {name.decode("utf-8", "replace"): repo[node].hex().decode()
                           for name, node in repo.tags().items() if name != b"tip"}}))
