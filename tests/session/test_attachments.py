"""What may be attached, and what becomes of it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import PIL.Image
import pytest

from flux_tui.core.errors import InputError
from flux_tui.core.messages import Document, Image
from flux_tui.session import attachments
from flux_tui.session.attachments import MAX_FILE_BYTES, MAX_IMAGE_BYTES, read_attachment


def saved(path: Path, size: tuple[int, int], mode: str = "RGB", **options: object) -> Path:
    PIL.Image.new(mode, size, "red" if mode == "RGB" else None).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "jpeg", "gif", "webp"])
def test_a_small_picture_keeps_its_bytes(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path / f"a.{ending}", (30, 20))

    assert read_attachment(path) == Image(
        path.read_bytes(), f"image/{ending}", f"a.{ending}", 30, 20
    )


def test_the_bytes_say_what_a_file_is_not_its_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "photo.jpeg", (3, 3), format="PNG")

    assert read_attachment(path).mime == "image/png"


def test_a_large_picture_is_scaled_with_its_shape_kept(tmp_path: Path) -> None:
    found = read_attachment(saved(tmp_path / "wide.png", (5000, 2500)))

    assert isinstance(found, Image)
    assert (found.width, found.height, found.mime) == (2000, 1000, "image/jpeg")
    with PIL.Image.open(io.BytesIO(found.data)) as picture:
        assert picture.size == (2000, 1000)


def test_transparency_survives_scaling(tmp_path: Path) -> None:
    found = read_attachment(saved(tmp_path / "clear.png", (2500, 100), "RGBA"))

    with PIL.Image.open(io.BytesIO(found.data)) as picture:
        assert (found.mime, picture.mode) == ("image/png", "RGBA")


def test_a_picture_that_is_heavy_though_small_is_made_lighter(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    noise = os.urandom(1900 * 1900 * 4)
    PIL.Image.frombytes("RGBA", (1900, 1900), noise).save(path)
    assert path.stat().st_size > MAX_IMAGE_BYTES

    assert len(read_attachment(path).data) <= MAX_IMAGE_BYTES


def test_a_turned_photo_is_scaled_upright(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    found = read_attachment(saved(tmp_path / "phone.jpg", (4000, 2000), exif=exif))

    assert isinstance(found, Image)
    assert (found.width, found.height) == (1000, 2000)


def test_text_is_read_with_its_control_characters_removed(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_bytes(b"caf\xc3\xa9 \x1b[31mred\x1b[0m\r\n")

    assert read_attachment(path) == Document(
        path.read_bytes(), "text/plain", "note.md", "café red\n"
    )


def pdf(text: str) -> bytes:
    content = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 6\n0000000000 65535 f \n"
    return out + head + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)


def test_a_pdf_brings_its_words_along(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(pdf("The answer is 42"))

    assert read_attachment(path) == Document(
        path.read_bytes(), "application/pdf", "paper.pdf", "The answer is 42"
    )


def test_a_pdf_that_takes_too_long_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "PDF_SECONDS", -1.0)
    path = tmp_path / "slow.pdf"
    path.write_bytes(pdf("late"))

    found = read_attachment(path)

    assert isinstance(found, Document)
    assert found.text == "[only 0 of 1 pages could be read in time]"


def test_a_broken_pdf_is_attached_without_text(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing follows")

    assert read_attachment(path) == Document(
        path.read_bytes(), "application/pdf", "broken.pdf", None
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.bin is empty"),
        (b"\xff\xfe\x00\x01", "neither a picture"),
        (b"II*\x00\x08\x00\x00\x00\xff\xff", "neither a picture"),  # a TIFF: no vendor takes it
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, "damaged|neither"),
    ],
)
def test_what_no_model_takes_is_refused_in_one_sentence(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(data)

    with pytest.raises(InputError, match=message):
        read_attachment(path)


def test_a_picture_cut_short_is_told_when_attached(tmp_path: Path) -> None:
    path = saved(tmp_path / "cut.jpeg", (300, 300))
    path.write_bytes(path.read_bytes()[:-400])

    with pytest.raises(InputError, match="damaged"):
        read_attachment(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt cannot be attached"):
        read_attachment(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="cannot be attached"):
        read_attachment(tmp_path)


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(InputError, match="larger than 20 MB"):
        read_attachment(tmp_path / "huge")
