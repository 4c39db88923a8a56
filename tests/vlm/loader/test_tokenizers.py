import json
import shlex
import zlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loader_shards import WORDS, key_of, sample_documents, text, write_shards

from vlm.loader import Loader, LoaderConfig
from vlm.loader.errors import DatasetError, LoaderConfigError, ResumeError, TokenTableMissing
from vlm.loader.sentences import sentence_ends
from vlm.loader.tokenizers import ByteTokenizer, load_tokenizer
from vlm.loader.tools.tokens import main


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory):
    """A BPE tokenizer trained here, as a file."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "</s>", "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([" ".join(WORDS)] * 50, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    core.save(str(path))
    return str(path)


@pytest.fixture
def folder(tmp_path):
    documents = sample_documents(60)
    documents[key_of("long")] = [text("A sentence that is here. " * 400)]
    return write_shards(tmp_path / "shards", documents, 3)


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_bytes_are_the_utf8_of_the_text_and_the_separator(s):
    s = s.encode("utf-8", "ignore").decode()
    assert bytes(ByteTokenizer().encode([s])[0].tolist()) == s.encode() + b"\n\n"


@given(st.text(alphabet="ab .!?\n\u3002\u00e9", max_size=60))
def test_sentence_ends_rise_and_lie_inside(s):
    ends = sentence_ends(s)
    assert ends == sorted(set(ends))
    assert all(0 < e < len(s) for e in ends)


@pytest.mark.parametrize(
    ("s", "ends"),
    [
        ("One. Two! Three", [5, 10]),
        ("No end", []),
        ("3.14 is pi. Yes", [12]),
        ('He said "no." Then', [14]),
        ("line\nline", [5]),
        ("\u4f60\u597d\u3002\u518d\u89c1", [3]),
    ],
)
def test_sentences_end_where_a_reader_says(s, ends):
    assert sentence_ends(s) == ends


def test_without_its_table_a_tokenizer_stops_with_the_command_that_makes_it(small, folder, tokenizer_json):
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json})
    with pytest.raises(TokenTableMissing, match=f"weft loader tokens {folder} --tokenizer {tokenizer_json}"):
        Loader(config)


def test_with_its_table_every_text_comes_back(small, folder, tokenizer_json, capsys):
    assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
    assert "61 documents" in capsys.readouterr().out
    config = LoaderConfig(
        **small | {"datasets": (str(folder),), "tokenizer": tokenizer_json, "one_pass": True, "view": "text_only"}
    )
    loader = Loader(config)
    core = load_tokenizer(tokenizer_json)._core
    parts = {}
    for batch in loader:
        assert batch.faults == ()
        for segment, key in zip(batch.sources.tolist(), batch.keys, strict=True):
            row, start, length, *_, ends = segment
            tokens = [t for t in batch.tokens[row, start : start + length].tolist() if t < 320]
            parts.setdefault(key, []).append((ends, core.decode(tokens, skip_special_tokens=True)))
    documents = sample_documents(60) | {key_of("long"): [text("A sentence that is here. " * 400)]}
    for key, nodes in documents.items():
        whole = "".join(n["text"] + "\n\n" for n in nodes if "text" in n)
        pieces = [p for _, p in parts[key]]
        assert sum(map(len, pieces)) == len(whole)
        assert len(pieces) > 1 or pieces == [whole]
    cut = [p for _, p in parts[key_of("long")]]
    assert len(cut) > 3
    assert all(p.lstrip().startswith("A sentence") for p in cut)


def test_a_read_only_dataset_keeps_its_tables_in_the_cache(small, folder, tokenizer_json, tmp_path):
    cache = str(tmp_path / "cache")
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json, "cache_dir": cache})
    assert main([str(folder), "--tokenizer", tokenizer_json, "--cache-dir", cache, "--in-cache"]) == 0
    assert not list(folder.glob("*.tok-*"))
    assert next(iter(Loader(config))).useful_tokens > 0


def test_another_separator_is_another_table(folder, tokenizer_json, small):
    assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json})
    assert Loader(config).tokenizer.specials.image == 2
    with pytest.raises(TokenTableMissing):
        Loader(replace(config, separator=" "))


def test_a_tokenizer_that_was_moved_goes_on_with_the_state_and_another_does_not(
    folder, tokenizer_json, small, tmp_path
):
    moved, other = tmp_path / "moved.json", tmp_path / "other.json"
    moved.write_bytes(Path(tokenizer_json).read_bytes())
    other.write_text(Path(tokenizer_json).read_text().replace('"<image>"', '"<img>"'))
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json})
    for name in (tokenizer_json, str(other)):
        assert main([str(folder), "--tokenizer", name]) == 0
    state = Loader(config).state_dict()
    Loader(replace(config, tokenizer=str(moved))).load_state_dict(state)
    with pytest.raises(ResumeError, match="tokenizer: the state has"):
        Loader(replace(config, tokenizer=str(other))).load_state_dict(state)


def test_whatever_a_library_raises_is_a_tokenizer_that_cannot_be_had(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text("[]")
    with pytest.raises(LoaderConfigError, match="cannot be had here"):
        load_tokenizer(str(tmp_path))


def test_the_cache_without_its_folder_is_not_called_a_folder_that_cannot_be_written(folder, tokenizer_json, capsys):
    assert main([str(folder), "--tokenizer", tokenizer_json, "--in-cache"]) == 2
    assert capsys.readouterr().err == "LoaderConfigError: --in-cache: say where the tables go with --cache-dir\n"


def test_a_table_of_another_index_is_refused(folder, tokenizer_json, small):
    assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
    tables = sorted(folder.glob("*.tok-*"))
    pq.write_table(pq.read_table(tables[0]).slice(1), tables[0])
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json, "one_pass": True})
    with pytest.raises(DatasetError, match="not the token table of this index"):
        list(Loader(config))


def test_the_special_tokens_are_those_of_the_vocabulary_or_new_ones_after_it(tokenizer_json):
    s = load_tokenizer(tokenizer_json).specials
    assert (s.bos, s.eos, s.image) == (0, 1, 2)
    assert {s.pad, s.image_start, s.image_end} == {320, 321, 322} or s.vocab_size == max(s.pad, s.image_end) + 1
    assert len({s.bos, s.eos, s.image, s.pad, s.image_start, s.image_end}) == 6


def test_a_tokenizer_without_its_vocabulary_is_refused(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    with pytest.raises(LoaderConfigError, match="has no vocabulary"):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({"no": "tokenizer"}))
    with pytest.raises(LoaderConfigError, match="tokenizer"):
        load_tokenizer(str(tmp_path / "tokenizer.json"))


def test_the_command_that_is_printed_makes_the_table_whatever_the_names_hold(tmp_path, tokenizer_json, small):
    folder = write_shards(tmp_path / "my shards", sample_documents(10), 1)
    (tmp_path / "it's.json").write_bytes(Path(tokenizer_json).read_bytes())
    config = LoaderConfig(
        **small | {"datasets": (str(folder),), "tokenizer": str(tmp_path / "it's.json"), "separator": " | "}
    )
    with pytest.raises(TokenTableMissing) as error:
        Loader(config)
    command = str(error.value).split("make it once with\n")[1]
    assert main(shlex.split(command)[3:]) == 0
    assert Loader(config)


@pytest.mark.parametrize("seed", [0, 9])
def test_tables_of_another_index_are_made_again_and_others_are_not(folder, tokenizer_json, small, capsys, seed):
    """Seed 0: the same keys and nodes, other texts."""
    assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
    documents = sample_documents(60, seed=seed)
    for node in (n for nodes in documents.values() for n in nodes if "text" in n):
        node["text"] += " and more"
    write_shards(folder, documents, 3)
    config = LoaderConfig(**small | {"datasets": (str(folder),), "tokenizer": tokenizer_json, "one_pass": True})
    with pytest.raises(DatasetError, match="make it again"):
        list(Loader(config))
    for made in (3, 0):
        capsys.readouterr()
        assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
        assert capsys.readouterr().out.startswith(f"{made} of 3 tables made")
    assert all(batch.faults == () for batch in Loader(config))


@pytest.mark.parametrize(
    "data", [b"no JSON", b"[]", b'{"texts": null}', b"[" * 100_000, "surrogate", b"\xff\xfe", b""], ids=range(7)
)
def test_a_document_that_the_loader_masks_is_counted_as_0_tokens_and_told(
    tmp_path, tokenizer_json, small, caplog, data
):
    key = key_of("broken")
    room = [text("x" * 120_000)]
    folder = write_shards(tmp_path / "shards", sample_documents(10) | {key: room}, 1)
    index = folder / "weft-000000.idx.parquet"
    table = pq.read_table(index)
    rows = table.to_pylist()
    member = next(row for row in rows if row["key"] == key)["members"][0]
    with (folder / "weft-000000.tar").open("r+b") as tar:
        tar.seek(member["offset"])
        if data == "surrogate":
            whole = json.loads(tar.read(member["length"]))
            data = json.dumps(whole | {"texts": ["half \ud800"]}).encode()
            tar.seek(member["offset"])
        tar.write(data)
    member["length"], member["crc32"] = len(data), zlib.crc32(data)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), index)
    assert main([str(folder), "--tokenizer", tokenizer_json]) == 0
    assert f"{key}: counted as 0 tokens" in caplog.text
    config = LoaderConfig(
        **small | {"datasets": (str(folder),), "tokenizer": tokenizer_json, "one_pass": True, "max_fault_share": 1.0}
    )
    loader = Loader(config)
    batches = list(loader)
    assert {k for b in batches for k in b.keys} >= set(sample_documents(10))
    assert loader.faults.by_kind.total() <= 1
