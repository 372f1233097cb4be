"""`jackfield.config.documents`: several files as one document, variables, and paths beside their files."""

import attrs
import pytest

from jackfield.config import build_config, check_route, find_config, read_gateway_options, read_toml
from jackfield.errors import ConfigError
from jackfield.plugin.options import field_help
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield_vinix import Vinix

FEED = '[feeds.{}]\nprovider = "acme"\nauth_token = {{ file = "token" }}\nurl = "wss://a.example"\naccount_id = "A"\n'
PROVIDERS = {"acme": ProviderSpec("acme", "", Vinix, None, None)}


def build(*paths):
    return build_config(read_toml(*paths), providers=PROVIDERS, sinks={})


def problems(*paths):
    with pytest.raises(ConfigError) as caught:
        build(*paths)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def written(tmp_path):
    def written(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def test_files_and_folders_are_one_configuration(written, tmp_path):
    written("token", "s3cret")
    written("conf.d/token", "other")
    main = written("gateway.toml", '[gateway]\njournal = "var/j"\n' + FEED.format("a"))
    written("conf.d/20.toml", FEED.format("c"))
    written("conf.d/10.toml", "[gateway]\nfsync = true\n" + FEED.format("b"))
    written("conf.d/notes.txt", "no TOML")
    config = build(main, tmp_path / "conf.d")
    assert [feed.name for feed in config.feeds] == ["a", "b", "c"]
    assert (config.gateway.journal, config.gateway.fsync) == (str(tmp_path / "var/j"), True)
    assert [feed.provider.auth_token.reveal() for feed in config.feeds] == ["s3cret", "other", "other"]


def test_what_two_files_say_is_reported_with_both(written):
    written("token", "s3cret")
    one = written("a.toml", "[gateway]\nfsync = true\n" + FEED.format("a"))
    two = written("b.toml", "[gateway]\nfsync = false\n" + FEED.format("a"))
    assert problems(one, two) == [
        f"gateway.fsync: stands in {one} and in {two}; one of them must go",
        f"feeds.a: stands in {one} and in {two}; one of them must go",
    ]


def test_a_link_in_a_folder_that_leads_nowhere_is_reported_and_what_is_hidden_is_left_out(tmp_path):
    (tmp_path / "a.toml").write_text("[gateway]\nfsync = true\n")
    (tmp_path / ".#a.toml").symlink_to("user@host.1")  # as editors lock a file
    (tmp_path / ".old.toml").write_text("[gateway]\nfsync = false\n")
    assert read_toml(tmp_path) == {"gateway": {"fsync": True}}
    (tmp_path / "b.toml").symlink_to("gone")
    with pytest.raises(ConfigError, match=r"b\.toml: No such file or directory"):
        read_toml(tmp_path)


def test_a_folder_without_a_file_is_reported(tmp_path):
    assert problems(tmp_path) == [f"{tmp_path}: a folder without a .toml file"]


@pytest.mark.parametrize(("value", "means"), [("${J}", "var/x"), ("a/${N:-b}/${J}", "a/b/var/x"), ("$${J}", "${J}")])
def test_variables_stand_for_their_values_and_paths_are_beside_the_file(value, means, written, tmp_path, monkeypatch):
    monkeypatch.setenv("J", "var/x")
    path = written("gateway.toml", f'[gateway]\njournal = "{value}"\n')
    assert read_gateway_options(read_toml(path)).journal == str(tmp_path / means)


def test_a_path_that_is_absolute_or_no_path_stays(written):
    for journal in ("memory", "/srv/journal"):
        path = written("gateway.toml", f'[gateway]\njournal = "{journal}"\n')
        assert read_gateway_options(read_toml(path)).journal == journal


def test_a_variable_that_is_not_set_is_reported_and_one_in_a_secret_is_refused(written, monkeypatch):
    monkeypatch.delenv("J", raising=False)
    monkeypatch.setenv("T", "s3cret")
    feed = FEED.format("a").replace('{ file = "token" }', '"${T}"')
    path = written("gateway.toml", f'[gateway]\njournal = "${{J}}"\n{feed}')
    assert problems(path) == [
        "gateway.journal: the environment variable J is not set; ${J:-TEXT} gives a default",
        'feeds.a.auth_token: a secret is not written into the configuration; give { env = "T" }',
    ]


def test_secrets_within_a_table_are_secrets(written):
    @attrs.frozen
    class Sink:
        headers: dict[str, Secret] = attrs.field(factory=dict, metadata=field_help("secret headers"))

    document = read_toml(written("g.toml", '[sinks.s]\nheaders = { a = "${T}" }\n'))
    with pytest.raises(ValueError, match=r'give \{ env = "T" \}'):
        document.prepared(attrs.fields(Sink).headers, document["sinks"]["s"]["headers"], "sinks.s.headers")


def test_programs_say_what_they_mean():
    document = {"gateway": {"journal": "${J}"}}
    assert read_gateway_options(document).journal == "${J}"


def test_a_configuration_is_found_by_its_variable_or_where_it_usually_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="no configuration; name one, set JACKFIELD_CONFIG"):
        find_config()
    (tmp_path / "gateway.toml").touch()
    assert str(find_config()) == "gateway.toml"
    monkeypatch.setenv("JACKFIELD_CONFIG", "/srv/g.toml")
    assert str(find_config()) == "/srv/g.toml"


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
def test_a_number_has_an_end(value, written):
    path = written("gateway.toml", f"[gateway]\ndrain_seconds = {value}\n")
    with pytest.raises(ConfigError, match=f"gateway.drain_seconds: must be a number, not {value}"):
        read_gateway_options(read_toml(path))


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "1" * 10_000])
def test_what_is_too_much_for_a_reader_of_toml_is_a_fault_of_the_file(text, written):
    path = written("gateway.toml", text)
    with pytest.raises(ConfigError, match=r"gateway\.toml: "):
        read_toml(path)


def test_a_text_in_the_place_of_a_list_is_one_problem():
    with pytest.raises(ConfigError) as caught:
        check_route({"select": "contact.*", "sinks": "crm"}, ["crm"])
    assert list(map(str, caught.value.problems)) == [
        "route.select: must be a list, not 'contact.*'",
        "route.sinks: must be a list, not 'crm'",
    ]
