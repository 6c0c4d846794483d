"""What a path stands for: a video file, one picture, a folder of pictures, or a pattern such as `shot.####.exr`.

Frame i of a sequence is the i-th of its files, in the order of the numbers in their names. A gap in the numbers
is no gap in the frames; the file's own number is not lost, since `image_files(path)[i]` names the file of frame i.
"""

import difflib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from hd_core.errors import InputError

IMAGE_SUFFIXES = frozenset({".bmp", ".exr", ".jpeg", ".jpg", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"})
_SAME_KIND = {".jpeg": ".jpg", ".tiff": ".tif"}
_PLACEHOLDER = re.compile(r"%0?(?P<c>[0-9]*)d|\$F(?P<f>[0-9]*)|(?P<run>#+|@+)")
_CHUNK_BYTES = 1 << 20


def image_files(path: Path) -> tuple[Path, ...]:
    """The pictures that `path` stands for, in the order of their frames; none if it is a video file.

    Folders give every picture in them. Patterns name their number as `%04d`, `####`, `@@@@` or `$F4`; numbers
    that have outgrown their padding belong to the sequence too.

    Args:
        path: A file, folder or pattern; hidden files are left out.

    Raises:
        InputError: Nothing is there, or the pictures are of several kinds.
    """
    if path.is_dir():
        return _of_one_kind(path, [file for file in _visible(path) if file.suffix.lower() in IMAGE_SUFFIXES])
    if path.is_file():
        return (path,) if path.suffix.lower() in IMAGE_SUFFIXES else ()
    match = _PLACEHOLDER.search(path.name)
    if match is None or not path.parent.is_dir():
        raise _missing(path)
    return _of_pattern(path, match)


def digest_source(path: Path) -> str:
    """SHA-256 that identifies the content behind a path, in hexadecimal.

    A file gives the digest of its bytes; a folder or pattern that of the name, size and bytes of each of its
    pictures, so a renamed, added or changed picture changes it and the folder's own place does not.

    Raises:
        InputError: Nothing is there, or a file cannot be read.
    """
    state = hashlib.sha256()
    single = path.is_file()
    try:
        for file in (path,) if single else sorted(image_files(path), key=lambda file: file.name):
            if not single:
                state.update(f"{file.name}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    state.update(chunk)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", "Check the file and its permissions.") from error
    return state.hexdigest()


def _visible(folder: Path) -> Iterator[Path]:
    # Sorted by the numbers inside the names, so that frame 10 follows frame 9 without padding.
    files = (file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    return iter(sorted(files, key=lambda file: (_natural(file.name), file.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _of_pattern(path: Path, match: re.Match[str]) -> tuple[Path, ...]:
    run = match["run"]
    padding = len(run) if run else int(match["c"] or match["f"] or 1)
    before, after = re.escape(path.name[: match.start()]), re.escape(path.name[match.end() :])
    name = re.compile(f"{before}[0-9]{{{padding},}}{after}", re.ASCII)
    files = tuple(file for file in _visible(path.parent) if name.fullmatch(file.name))
    if not files:
        raise InputError(
            f"No file in {path.parent} matches the pattern {path.name}.",
            "Write the number as %04d, ####, @@@@ or $F4, with as many digits as the names have at least.",
        )
    if files[0].suffix.lower() not in IMAGE_SUFFIXES:
        raise InputError(f"{path.name} matches {files[0].name}, which is no picture.", f"Known: {_known()}.")
    return files


def _of_one_kind(folder: Path, files: list[Path]) -> tuple[Path, ...]:
    if not files:
        raise InputError(f"The folder {folder} holds no pictures.", f"Known kinds: {_known()}.")
    kinds = sorted({_SAME_KIND.get(file.suffix.lower(), file.suffix.lower()) for file in files})
    if len(kinds) > 1:
        raise InputError(
            f"The folder {folder} holds pictures of several kinds ({', '.join(kinds)}).",
            "Name the ones you mean with a pattern, for example shot.####.png.",
        )
    return tuple(files)


def _missing(path: Path) -> InputError:
    folder = path.parent
    if not folder.is_dir():
        return InputError(f"{path} does not exist: there is no folder {folder}.", "Check the path.")
    names = {entry.name.lower(): entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    close = [names[name] for name in difflib.get_close_matches(path.name.lower(), names, n=3, cutoff=0.6)]
    hint = f"Did you mean {' or '.join(close)}?" if close else "Check the path."
    return InputError(f"{path} does not exist.", hint)


def _known() -> str:
    return " ".join(sorted(IMAGE_SUFFIXES))
