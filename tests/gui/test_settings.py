"""The declared options and the settings file: what is accepted, kept, refused and never lost."""

import math
import os
import tomllib
from dataclasses import FrozenInstanceError, asdict, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui import settings as settings_module
from gui.models.option import ChoiceOption, NumberOption, TextOption
from gui.models.settings import GROUPS, OPTIONS, Settings
from gui.settings import MAX_FILE_BYTES, SettingsError, SettingsStore
from inference.types import SamplingParams

BY_KEY = {option.key: option for option in OPTIONS}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "settings.toml"


def written(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def values_of(option):
    """Every value an option takes, as a strategy."""
    match option:
        case ChoiceOption():
            return st.sampled_from([word for word, _ in option.choices])
        case TextOption():
            text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
            return st.one_of(text, st.text("a\n\r\t\"'\\#\u2028\x00 =[]", max_size=40))
    if option.is_whole:
        return st.integers(option.minimum, option.maximum)
    return st.floats(option.minimum, option.maximum)


any_settings = st.fixed_dictionaries({}, optional={option.key: values_of(option) for option in OPTIONS})


class TestDeclarations:
    def test_every_field_is_an_option_with_a_default_it_accepts(self):
        """Key and default exist once: the fields, the options and the defaults are the same thing."""
        assert [option.key for option in OPTIONS] == [field.name for field in fields(Settings)]
        for option in OPTIONS:
            assert getattr(Settings(), option.key) == option.default == option.check(option.default)

    def test_what_the_dialog_shows_is_complete(self):
        """An option on a page has a label with a mnemonic, unique on the page; its page exists."""
        for group in GROUPS:
            options = [option for option in OPTIONS if option.group == group.key]
            letters = [option.label[option.label.index("&") + 1].lower() for option in options]
            assert options
            assert len(set(letters)) == len(letters)
        assert {option.group for option in OPTIONS} - {group.key for group in GROUPS} == {""}
        assert [option.key for option in OPTIONS if not option.group] == ["model_path"]

    def test_the_limits_are_those_of_the_issue(self):
        limits = {o.key: (o.minimum, o.maximum, o.default) for o in OPTIONS if isinstance(o, NumberOption)}
        assert limits == {
            "temperature": (0, 2, 0.7),
            "top_k": (0, 1000, 0),
            "top_p": (0, 1, 0.95),
            "min_p": (0, 1, 0),
            "repetition_penalty": (1, 2, 1.1),
            "seed": (0, 2**32 - 1, 0),
            "max_new_tokens": (16, 4096, 400),
            "panel_rows": (5, 50, 12),
            "threads": (0, 64, 0),
        }

    def test_temperature_says_what_0_does_and_why_2(self):
        help_text = BY_KEY["temperature"].help
        assert "0 always takes the likeliest token" in help_text
        assert "seed is ignored" in help_text
        assert "only a convention" in help_text

    def test_settings_are_frozen(self):
        with pytest.raises(FrozenInstanceError):
            Settings().temperature = 1.0

    @given(any_settings)
    def test_all_settings_make_sampling_params(self, values):
        """No setting that is accepted here is refused by the engine's own limits."""
        settings = replace(Settings(), **{key: BY_KEY[key].check(value) for key, value in values.items()})
        params = settings.sampling_params()
        assert isinstance(params, SamplingParams)
        for field in fields(SamplingParams):
            assert getattr(params, field.name) == getattr(settings, field.name)


class TestOptions:
    @pytest.mark.parametrize("option", [o for o in OPTIONS if isinstance(o, NumberOption) and o.has_slider], ids=lambda o: o.key)
    def test_stops_rise_from_end_to_end_through_the_default(self, option):
        """A slider reaches both ends and the default, in exact values."""
        stops = option.stops()
        assert stops[0] == option.minimum
        assert stops[-1] == option.maximum
        assert option.default in stops
        assert all(a < b for a, b in zip(stops, stops[1:], strict=False))
        assert all(len(f"{stop:g}") <= 5 for stop in stops), "float noise"

    def test_a_curved_slider_has_two_significant_digits(self):
        stops = BY_KEY["top_k"].stops()
        assert set(range(101)) <= set(stops)
        assert stops[101:] == tuple(range(110, 1001, 10))

    @pytest.mark.parametrize(("value", "kept"), [(0.1 + 0.6, 0.7), (0.70000001, 0.7), (1, 1.0), (0.12345, 0.1235), (-0.0, 0.0)])
    def test_fractions_lose_their_noise(self, value, kept):
        exact = BY_KEY["temperature"].check(value)
        assert exact == kept
        assert isinstance(exact, float)
        assert math.copysign(1, exact) == 1

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("temperature", 2.01),
            ("temperature", -0.01),
            ("temperature", math.nan),
            ("temperature", math.inf),
            ("temperature", True),
            ("temperature", "0.7"),
            ("temperature", None),
            ("top_k", 40.0),
            ("top_k", 1001),
            ("top_k", False),
            ("seed", 2**32),
            ("theme", "blue"),
            ("theme", 1),
            ("system_prompt", 3),
            ("system_prompt", "x" * 20_001),
            ("scene", ["a"]),
        ],
    )
    def test_bad_values_are_refused(self, key, value):
        with pytest.raises(ValueError, match="."):
            BY_KEY[key].check(value)

    def test_text_is_cleaned(self):
        assert BY_KEY["scene"].check("a\r\nb\rc\u2028d\x00\x1b\ud800\te\u00a0") == "a\nb\nc\nd\te\u00a0"

    @pytest.mark.parametrize(
        ("key", "value", "shown"),
        [
            ("temperature", 0.7, "0.70"),
            ("temperature", 0.123, "0.123"),
            ("top_k", 0, "off"),
            ("top_k", 40, "40"),
            ("top_p", 1.0, "off"),
            ("min_p", 0.0, "off"),
            ("repetition_penalty", 1.0, "off"),
            ("threads", 0, "automatic"),
            ("theme", "dark", "Dark"),
        ],
    )
    def test_values_are_shown_as_a_person_reads_them(self, key, value, shown):
        assert BY_KEY[key].describe(value) == shown


class TestRoundTrip:
    @given(any_settings)
    def test_what_is_saved_is_loaded(self, tmp_path_factory, values):
        """Every accepted value comes back exactly, texts with quotes, line ends and control characters included."""
        file = tmp_path_factory.mktemp("profile") / "settings.toml"
        store = SettingsStore(file)
        store.update(**values)
        again = SettingsStore(file)
        assert again.settings == store.settings
        assert again.notes == []

    @given(any_settings)
    def test_the_file_is_toml_to_others_too_and_holds_no_defaults(self, tmp_path_factory, values):
        """The standard library's parser, which had no part in writing it, reads the same values."""
        file = tmp_path_factory.mktemp("profile") / "settings.toml"
        store = SettingsStore(file)
        store.update(**values)
        expected = {k: v for k, v in asdict(store.settings).items() if v != BY_KEY[k].default}
        assert (tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}) == expected

    def test_no_file_means_defaults_without_a_note(self, file):
        store = SettingsStore(file)
        assert store.settings == Settings()
        assert store.notes == []
        assert not file.parent.exists(), "looking creates nothing"

    def test_reset_removes_what_it_resets(self, file):
        store = SettingsStore(file)
        store.update(temperature=1.5, top_k=40)
        store.reset(["temperature"])
        assert store.settings == replace(Settings(), top_k=40)
        assert tomllib.loads(file.read_text()) == {"top_k": 40}

    def test_an_unchanged_value_writes_nothing(self, file):
        SettingsStore(file).update(temperature=0.7)
        assert not file.exists()

    def test_comments_unknown_keys_and_tables_stay(self, file):
        """A person's own lines survive: comments, keys of another version, order, tables after them."""
        written(file, "# mine\ntop_k = 3 # three\nfrom_2031 = [1, 2] # new\n\n[colours] # table\nred = 1\n")
        store = SettingsStore(file)
        assert store.settings.top_k == 3
        assert len(store.notes) == 2
        assert "from_2031" in store.notes[0]
        assert "colours" in store.notes[1]
        store.update(top_k=5, temperature=1.25)
        store.update(top_k=0)
        text = file.read_text()
        assert "# mine\n" in text
        assert "from_2031 = [1, 2] # new\n" in text
        assert "[colours] # table\nred = 1\n" in text
        assert tomllib.loads(text) == {"from_2031": [1, 2], "colours": {"red": 1}, "temperature": 1.25}

    def test_lines_added_while_running_stay(self, file):
        store = SettingsStore(file)
        store.update(top_k=5)
        file.write_text(file.read_text() + "# added by hand\nother = 1\n")
        store.update(top_k=6)
        assert "# added by hand\nother = 1\n" in file.read_text()
        assert tomllib.loads(file.read_text()) == {"top_k": 6, "other": 1}

    def test_a_byte_order_mark_is_no_error(self, file):
        """Windows editors put one there."""
        store = SettingsStore(written(file, b"\xef\xbb\xbftop_k = 7\r\n"))
        assert store.notes == []
        assert store.settings.top_k == 7


class TestBadValues:
    @pytest.mark.parametrize(
        ("line", "parts"),
        [
            ('temperature = "hot"', ("temperature", "'hot'", "a number from 0.00 to 2.00", "0.70")),
            ("temperature = nan", ("temperature", "nan", "0.70")),
            ("temperature = true", ("temperature", "True", "0.70")),
            ("threads = 500", ("threads", "500", "a whole number from 0 to 64", "automatic")),
            ("top_k = 1.5", ("top_k", "1.5", "off")),
            ('theme = "blue"', ("theme", "'blue'", '"system", "light", "dark"', "As the system")),
            ("[scene]\nx = 1", ("scene", "{'x': 1}", "text", "no text")),
            ("seed = 99999999999999999999", ("seed", "99999999999999999999", "4294967295", "0")),
        ],
    )
    def test_a_bad_value_gives_the_default_and_a_note(self, file, line, parts):
        """The note names key, value, what is allowed and what is used; the other values are taken."""
        store = SettingsStore(written(file, f"panel_rows = 20\n{line}\n"))
        assert store.settings == replace(Settings(), panel_rows=20)
        assert len(store.notes) == 1
        assert all(part in store.notes[0] for part in parts), store.notes
        assert file.exists(), "a bad value is no reason to move the file"

    def test_a_long_value_is_cut_in_the_note(self, file):
        store = SettingsStore(written(file, f'theme = "{"x" * 9000}"\n'))
        assert len(store.notes[0]) < 300

    def test_update_refuses_bad_values_and_changes_nothing(self, file):
        store = SettingsStore(file)
        with pytest.raises(SettingsError, match="temperature cannot be 9: it must be a number from 0.00 to 2.00"):
            store.update(top_k=5, temperature=9)
        assert store.settings == Settings()
        assert not file.exists()

    def test_update_of_an_unknown_key_is_a_mistake_of_ours(self, file):
        with pytest.raises(KeyError):
            SettingsStore(file).update(temprature=1.0)


BROKEN = {
    "binary": bytes(range(256)) * 4,
    "truncated": b'temperature = 1.0\nscene = """half a te',
    "not toml": b"{json: true}",
    "twice the same key": b"top_k = 1\ntop_k = 2\n",
    "too large": b"# " + b"x" * MAX_FILE_BYTES,
    "deep lists": b"a = " + b"[" * 100_000,
    "deep keys": b"a" + b".a" * 100_000 + b" = 1",
    "huge number": b"seed = " + b"9" * 100_000,
    "zero bytes": b"\x00" * 500,
}


class TestBrokenFiles:
    @pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
    def test_a_broken_file_gives_defaults_a_note_and_is_kept(self, file, data):
        store = SettingsStore(written(file, data))
        assert store.settings == Settings()
        assert len(store.notes) == 1
        assert "settings.toml.broken" in store.notes[0]
        assert not file.exists()
        assert file.with_name("settings.toml.broken").read_bytes() == data
        store.update(top_k=4)
        assert SettingsStore(file).settings.top_k == 4
        assert SettingsStore(file).notes == []

    def test_an_older_broken_file_is_kept_too(self, file):
        for data in (b"a = [", b"b = [", b"c = ["):
            SettingsStore(written(file, data))
        kept = sorted(path.name for path in file.parent.iterdir())
        assert kept == ["settings.toml.broken", "settings.toml.broken2", "settings.toml.broken3"]
        assert file.with_name("settings.toml.broken").read_bytes() == b"a = ["

    def test_a_file_broken_while_running_is_kept_before_the_save(self, file):
        store = SettingsStore(file)
        written(file, b"half = [")
        store.update(top_k=4)
        assert file.with_name("settings.toml.broken").read_bytes() == b"half = ["
        assert SettingsStore(file).settings.top_k == 4

    def test_a_folder_in_its_place(self, file):
        file.mkdir(parents=True)
        store = SettingsStore(file)
        assert len(store.notes) == 1
        store.update(top_k=4)
        assert SettingsStore(file).settings.top_k == 4

    def test_a_broken_file_that_cannot_be_moved_is_not_overwritten(self, file, monkeypatch):
        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "rename", refuse)
        store = SettingsStore(written(file, b"half = ["))
        assert str(file) in store.notes[0]
        with pytest.raises(SettingsError, match="Permission denied"):
            store.update(top_k=4)
        assert file.read_bytes() == b"half = ["

    @given(st.binary(max_size=300))
    def test_no_bytes_at_all_raise(self, tmp_path_factory, data):
        """Whatever the file holds, the program starts and can save."""
        file = written(tmp_path_factory.mktemp("profile") / "settings.toml", data)
        SettingsStore(file).update(top_k=4)
        assert SettingsStore(file).settings.top_k == 4

    @given(st.text("temperatuk_=.[]{}\"'\n# 01,-", max_size=80))
    def test_no_text_that_looks_like_toml_raises(self, tmp_path_factory, text):
        file = written(tmp_path_factory.mktemp("profile") / "settings.toml", f"top_k = 3\n{text}")
        SettingsStore(file).update(top_k=4)
        assert SettingsStore(file).settings.top_k == 4


class TestFailedSaves:
    @pytest.mark.parametrize("call", ["os.replace", "os.fsync", "tempfile.mkstemp"])
    def test_the_old_file_stays_whole_and_the_new_values_apply(self, file, monkeypatch, call):
        """Full disk, read-only folder, failed rename: nothing is half written, nothing is left lying about."""
        store = SettingsStore(file)
        store.update(top_k=3)
        before = file.read_bytes()

        def fail(*_, **__):
            raise OSError(28, "No space left on device")

        module, name = call.split(".")
        with monkeypatch.context() as patch:
            patch.setattr(getattr(settings_module, module), name, fail)
            with pytest.raises(SettingsError, match="could not be saved in .*No space left on device.*until Glassbox is closed"):
                store.update(top_k=9)
        assert store.settings.top_k == 9
        assert file.read_bytes() == before
        assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]
        store.update(panel_rows=20)
        assert SettingsStore(file).settings == replace(Settings(), top_k=9, panel_rows=20), "the next save brings all"

    def test_a_file_where_the_folder_should_be(self, tmp_path):
        written(tmp_path / "profile", "not a folder")
        store = SettingsStore(tmp_path / "profile" / "settings.toml")
        with pytest.raises(SettingsError):
            store.update(top_k=9)
        assert store.settings.top_k == 9

    def test_a_save_never_makes_a_file_that_is_too_large_to_load(self, file):
        written(file, "# " + "x" * (MAX_FILE_BYTES - 100) + "\n")
        store = SettingsStore(file)
        before = file.read_bytes()
        with pytest.raises(SettingsError, match="262,144 bytes"):
            store.update(scene="y" * 1000)
        assert file.read_bytes() == before

    def test_readers_never_see_half_a_file(self, file, monkeypatch):
        """The new text is complete, on the disk, before it takes the name of the old."""
        store = SettingsStore(file)
        seen = []
        real_fsync, real_replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda handle: (seen.append("fsync"), real_fsync(handle))[1])

        def watch(source, target):
            seen.append(tomllib.loads(Path(source).read_text())["top_k"])
            real_replace(source, target)

        monkeypatch.setattr(os, "replace", watch)
        store.update(top_k=5)
        assert seen == ["fsync", 5]

    @pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
    def test_a_linked_file_stays_a_link(self, file, tmp_path):
        """Those who keep their settings in a repository of their own link to them."""
        real = written(tmp_path / "dotfiles" / "glassbox.toml", "top_k = 2\n")
        file.parent.mkdir()
        file.symlink_to(real)
        SettingsStore(file).update(top_k=3)
        assert file.is_symlink()
        assert tomllib.loads(real.read_text()) == {"top_k": 3}
