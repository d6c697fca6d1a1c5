import re

import pytest

from daemon.events.origin import ascii_origin, origin_of


@pytest.mark.parametrize(
    ("origin", "urls"),
    [
        (
            "http://app.example:80",
            [
                "http://app.example",
                "http://app.example/hook?key=1#part",
                "HTTP://APP.Example/",
                "http://app.example:80/",
                "http://app.example:080/",
                "http://app.example:/",
                "http://app.example./",
                "http://app.example?next=http://other.example:81/",
            ],
        ),
        ("https://app.example:443", ["https://app.example/", "https://app.example:443/"]),
        ("https://app.example:80", ["https://app.example:80/"]),
        ("http://app.example:8080", ["http://app.example:8080/a", "http://app.example:8080/b"]),
        ("http://192.0.2.1:80", ["http://192.0.2.1/", "http://192.0.2.1./"]),
        (
            "http://[2001:db8::1]:80",
            [
                "http://[2001:db8::1]/",
                "http://[2001:DB8::1]:80/",
                "http://[2001:db8:0:0:0:0:0:1]/",
                "http://[2001:0db8::0001]/",
            ],
        ),
        ("https://[::1]:8443", ["https://[::1]:8443/"]),
        ("http://[fe80::1%eth0]:80", ["http://[fe80::1%eth0]/"]),
        (
            "http://xn--bcher-kva.example:80",
            [
                "http://bücher.example/",
                "http://BÜCHER.example/",
                "http://bu\N{COMBINING DIAERESIS}cher.example/",
                "http://xn--bcher-kva.example/",
                "http://bücher\N{IDEOGRAPHIC FULL STOP}example/",
                "http://bücher.example./",
            ],
        ),
        ("http://app.example:80", ["http://\uff41pp.example/", "http://app\uff0eexample/"]),
    ],
)
def test_all_spellings_of_a_server_are_one(origin: str, urls: list[str]) -> None:
    assert {url: origin_of(url) for url in urls} == dict.fromkeys(urls, origin)


@pytest.mark.parametrize("host", ["\u00fc" * 64, "xn--a", "a..b", "-a", "a_b", "\u0661"])
def test_a_name_that_no_server_can_have_is_a_server_too(host: str) -> None:
    assert origin_of(f"http://{host}/") == origin_of(f"http://{host}:80/x")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://bücher.example:81/ä?ö=http://bücher.example#ü", "http://xn--bcher-kva.example:81"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("http://App.Example:80/é?", "http://App.Example:80"),
        ("http://[2001:db8::1]:81/é", "http://[2001:db8::1]:81"),
        ("http://" + "ü" * 64 + "/é", "http://" + "ü" * 64),
    ],
)
def test_a_server_is_asked_by_its_ascii_name_and_the_rest_of_the_url_stays(
    url: str, asked: str
) -> None:
    scheme, _, rest = url.partition("://")
    length = len(scheme) + 3 + len(re.split("[/?#]", rest)[0])
    assert ascii_origin(url) == asked + url[length:]
