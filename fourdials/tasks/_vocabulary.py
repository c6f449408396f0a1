"""Short single words that name things in made-up worlds: people, towns, jobs and objects. No word is in two lists, and
each is one token of common vocabularies, so that every choice costs a small model the same."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PEOPLE = _words(
    """
    Ann Bob Tom Kim Joe Sam Dan Amy Max Ben Eve Ian Jim Ted Ray Roy Leo Lee Meg Ron Tim Ada Alf Cal Deb Fay Hal Hugh
    Ivy Jen Kay Ken Kit Lou Mae Mia Nan Nat Peg Rex Rod Sid Stan Vic Wes Adam Alan Alex Beth Carl Clara
    Dave Emma Eric Fred Gary Hugo Ivan Jack Jane Jill Joan John Josh Judy Karl Kate Lily Lisa Luis Luke Lynn
    Mary Mike Nick Nina Noah Omar Otto Paul Pete Phil Ross Ruth Ryan Sara Sean Seth Todd Tony Vera Walt Wendy
    """
)
TOWNS = _words(
    """
    Paris London Rome Oslo Dover Leeds York Boston Dallas Denver Tokyo Cairo Delhi Lima Berlin Milan Athens Vienna
    Prague Dublin Madrid Lisbon Geneva Miami Austin Seattle Houston Havana Quebec Perth
    """
)
JOBS = _words(
    """
    nurse pilot clerk farmer poet miner tailor actor singer painter driver sailor hunter diver builder scout chef
    dancer butcher monk
    """
)
OBJECTS = _words(
    """
    cup fox dog cat hat key map pen box bag bed car bus sun moon star tree leaf rock lake road ship boat bell book
    coin drum fish flag frog gate goat hand hill horn king lamp lion milk nail nest oak owl pipe ring rope rose salt
    sand shoe snow soap sock tent tiger toy train wall wolf wood wool bird bear bone corn door duck egg cake desk fork
    knife glass horse house mouse chair table bread apple lemon onion
    """
)
