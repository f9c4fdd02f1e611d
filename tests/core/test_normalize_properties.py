"""What `normalize` promises for any history and any model."""

from __future__ import annotations

from hypothesis import given

from flux_tui.core import codec
from flux_tui.core.messages import (
    Document,
    Image,
    Message,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    user_message,
)
from flux_tui.core.models import Abilities, ModelInfo, ModelRef
from flux_tui.core.normalize import normalize
from flux_tui.core.sanitize import sanitize
from tests.core.strategies import histories, models

History = tuple[Message, ...]


@given(histories, models)
def test_every_call_is_answered_once_and_at_once_with_unique_ids(
    history: History, model: ModelInfo
) -> None:
    sent, _ = normalize(history, model)

    seen: set[str] = set()
    for place, message in enumerate(sent):
        ids = [call.id for call in message.tool_calls]
        assert len(set(ids)) == len(ids)
        assert not seen & set(ids)
        seen |= set(ids)
        following = sent[place + 1] if ids else None
        answered = (
            [p.call_id for p in following.parts if isinstance(p, ToolResult)] if following else []
        )
        assert answered == ids
        if message.role == "tool":
            assert sent[place - 1].tool_calls
        assert message.parts


@given(histories, models)
def test_a_shorter_history_gives_the_beginning_of_a_longer_one(
    history: History, model: ModelInfo
) -> None:
    whole, _ = normalize(history, model)

    for end in range(1, len(history) + 1):
        # Requests go out after what the user said, and after the last result of a turn.
        if history[end - 1].role == "user" or (
            history[end - 1].role == "tool" and (end == len(history) or history[end].role != "tool")
        ):
            part, _ = normalize(history[:end], model)
            assert whole[: len(part)] == part


@given(histories, models)
def test_the_same_history_gives_the_same_result(history: History, model: ModelInfo) -> None:
    assert normalize(history, model) == normalize(history, model)


@given(histories, models)
def test_normalizing_again_changes_nothing(history: History, model: ModelInfo) -> None:
    once, _ = normalize(history, model)

    twice, report = normalize(once, model)

    assert twice == once
    assert report.lossless


@given(histories, models)
def test_text_arrives_whole_and_replay_data_only_at_its_origin(
    history: History, model: ModelInfo
) -> None:
    sent, report = normalize(history, model)

    told = "\n".join(
        part.text for message in sent for part in message.parts if isinstance(part, Text)
    )
    for message in history:
        for part in message.parts if message.role != "tool" and message.stop != "refusal" else ():
            if isinstance(part, Text) and part.text.strip():
                assert part.text.replace("\0", "�").encode("utf-8", "replace").decode().replace(
                    "?", "�"
                ) in told.replace("?", "�")
    for message in sent:
        for part in message.parts:
            metadata = getattr(part, "metadata", None)
            assert metadata is None or metadata.origin == model.origin
            if isinstance(part, (Thinking, Opaque)):
                assert message.role == "assistant"
                assert metadata is not None
    assert report.lossless == (report.summary() == "")


@given(histories, models)
def test_only_what_the_model_takes_is_sent(history: History, model: ModelInfo) -> None:
    sent, _ = normalize(history, model)

    codec.dumps([codec.dump_message(message) for message in sent]).encode()
    for message in sent:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        inner = [part for result in results for part in result.parts]
        for part in (*message.parts, *inner):
            if isinstance(part, Image):
                assert model.abilities.images
                assert part.mime != "image/bmp"
                assert message.role != "assistant"
                assert part not in inner or model.abilities.tool_result_images
            if isinstance(part, Document):
                assert model.abilities.documents
                assert part.mime == "application/pdf"


def test_a_control_character_in_told_arguments_swallows_nothing_that_follows() -> None:
    deaf = ModelInfo(
        ref=ModelRef("box", "deaf"),
        api="openai-chat",
        base_url="http://127.0.0.1:8080/v1",
        abilities=Abilities(tools=False),
    )
    answer = Message(
        role="assistant", parts=(ToolCall("c", "look", {"\x90": None}), Text("heard")), stop="end"
    )

    clean, _ = normalize((user_message("q"), answer, user_message("and?")), deaf)

    assert sanitize(clean[1].text) == clean[1].text
    assert "heard" in clean[1].text
