"""The judge: each kind of mistake is noticed by the judgement that it belongs to."""

import dataclasses
import itertools
import random

import pytest

from tantra.metre import Judgement, gloss, half_verse, half_verses, join, judge, lexicon, syllables
from tantra.metre.judgement import is_sentence, meanings, written_forms
from tantra.metre.lexicon import written

LENGTHS = dict(zip("aāiīuū", "āaīiūu", strict=True))
ALL = Judgement(metre=True, caesura=True, words=1.0, sandhi=True, grammar=True)


@pytest.fixture(scope="module")
def lines():
    """Lines with their words as they sound alone."""
    found = list(itertools.islice(half_verses(7), 300))
    return {line: [form for form, _, _ in gloss(line)] for line in found}


def test_a_good_line_made_by_hand():
    assert judge("kokilo vimalo mandaṃ priyaś ca hṛdi śobhate") == ALL
    assert ALL.verse
    for field in dataclasses.fields(Judgement):
        if field.name != "words":
            assert not dataclasses.replace(ALL, **{field.name: False}).verse


def test_a_judgement_stays_as_it_is():
    with pytest.raises(dataclasses.FrozenInstanceError):
        judge("").metre = True


def test_words_are_undone_from_sandhi(lines):
    for line, forms in lines.items():
        assert written(forms) == line
        assert join(forms).removesuffix("r") == line.removesuffix("ḥ" * forms[-1].endswith("r"))


def test_the_length_of_a_vowel(lines):
    """No change of one vowel passes unseen, unless it makes another right line."""
    rng, unseen = random.Random(0), 0
    for line in lines:
        at = rng.choice([i for i, letter in enumerate(line) if letter in LENGTHS])
        spoiled = line[:at] + LENGTHS[line[at]] + line[at + 1 :]
        if judge(spoiled).verse:
            unseen += 1
            assert written([form for form, _, _ in gloss(spoiled)]) == spoiled
    assert unseen < len(lines) / 100


def test_a_change_of_weight_is_noticed_by_the_metre(lines):
    """The fifth to seventh of each pāda are fixed: change one, and the metre is gone."""
    rng = random.Random(1)
    for line in lines:
        words = line.split(" ")
        sizes = [len(syllables(word)) for word in words]
        cut = rng.randrange(len(words))
        fewer = " ".join(words[:cut] + words[cut + 1 :])
        assert sum(sizes) == 16
        assert not judge(fewer).metre
        assert not judge(line + " ca").metre


def noticed(lines, role, change):
    """How many lines are no longer grammatical once the words of a role are changed, one by one.

    Sandhi is made anew, so nothing else is wrong.  A few of the new lines are right all the same,
    because their letters can be read in another way: latā hasati is latā or latāḥ, and only one of
    the two laughs alone.
    """
    seen = missed = 0
    for forms in lines.values():
        for other in respelled(forms, role, change):
            try:
                line = written(other)
            except ValueError:  # the new words melt
                continue
            judged = judge(line)
            assert (judged.words, judged.sandhi) == (1, True)
            seen += not judged.grammar
            if judged.grammar:
                missed += 1
                read = [form for form, _, _ in gloss(line)]
                assert read != other
                assert written(read) == line
    assert missed < 0.05 * seen, (seen, missed)
    return seen


def respelled(forms, role, change):
    """The forms with one word changed that has this role, where they are then no sentence."""
    for i, form in enumerate(forms):
        for one in [entry for entry in meanings()[form] if entry.role == role][:1]:
            for new in change(one):
                other = [*forms[:i], new, *forms[i + 1 :]]
                if not any(map(is_sentence, itertools.product(*(meanings()[f] for f in other)))):
                    yield other


def of_other_number(verb):
    return [e.form for e in lexicon() if e.stem == verb.stem and e.number != verb.number][:1]


def intransitives(verb):
    return [e.form for e in lexicon() if (e.role, e.number) == ("intransitive", verb.number)][:3]


def transitives(verb):
    return [e.form for e in lexicon() if (e.role, e.number) == ("transitive", verb.number)][:3]


def of_other_gender(adjective):
    gender, case_and_number = adjective.agreement.split(", ")
    return [
        e.form
        for e in lexicon()
        if e.gloss == adjective.gloss
        and e.agreement.endswith(case_and_number)
        and not e.agreement.startswith(gender)
    ]


def test_a_verb_of_the_wrong_number(lines):
    assert noticed(lines, "transitive", of_other_number) > 100
    assert noticed(lines, "intransitive", of_other_number) > 100


def test_an_object_after_a_verb_that_takes_none(lines):
    assert noticed(lines, "transitive", intransitives) > 400


def test_a_verb_without_its_object(lines):
    assert noticed(lines, "intransitive", transitives) > 300


def test_an_adjective_of_the_wrong_gender(lines):
    assert noticed(lines, "adjective", of_other_gender) > 300


def test_sandhi_left_out(lines):
    count = 0
    for line, forms in lines.items():
        plain = " ".join(forms)
        if plain == line:
            continue
        judged = judge(plain)
        assert not judged.sandhi
        assert not judged.grammar
        count += 1
    assert count > 270


def test_sandhi_of_another_place(lines):
    """A word as some other word would have it is known, but not right here."""
    rng, count = random.Random(2), 0
    others = {}
    for surface, forms in written_forms().items():
        for form in forms:
            others.setdefault(form, []).append(surface)
    for line, forms in lines.items():
        words = line.split(" ")
        i = rng.randrange(len(words) - 1)
        for surface in others[forms[i]]:
            if len(written_forms()[surface]) == 1 and surface != words[i]:
                judged = judge(" ".join([*words[:i], surface, *words[i + 1 :]]))
                assert (judged.words, judged.sandhi, judged.grammar) == (1, False, False)
                count += 1
    assert count > 300


def test_words_swapped_across_the_caesura(lines):
    """The order of words is free, so a few swaps are right; the others are all noticed."""
    rng, noticed = random.Random(3), 0
    for line in lines:
        words = line.split(" ")
        sizes = [len(syllables(word)) for word in words]
        middle = list(itertools.accumulate(sizes)).index(8) + 1
        one, two = rng.randrange(middle), rng.randrange(middle, len(words))
        words[one], words[two] = words[two], words[one]
        swapped = " ".join(words)
        judged = judge(swapped)
        if judged.verse:
            assert half_verse(swapped) == "pathyā"
            assert written([form for form, _, _ in gloss(swapped)]) == swapped
        else:
            noticed += 1
    assert noticed > 0.9 * len(lines)


def test_a_word_across_the_caesura():
    judged = judge("vicitrāṇi mahanīyāni padmāni jalaṃ ca gajāḥ")
    assert not judged.caesura
    assert judge("sadā gajo vane mandaṃ jale").caesura


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("gajaḥ patati", 1.0),
        ("gajaḥ xyz", 0.5),
        ("gajaḥ rathaḥ iti", 1 / 3),  # good Sanskrit, but not in the lexicon
        ("gajaḥ  patati", 2 / 3),  # two spaces: an empty word between them
        (" gajaḥ", 0.5),
        ("", 0.0),
        ("\n", 0.0),
        ("Gajaḥ", 0.0),
        ("gajaḥ\npatati", 0.0),
        ("????", 0.0),
    ],
)
def test_any_letters_are_judged(line, share):
    judged = judge(line)
    assert judged.words == pytest.approx(share)
    assert judged.sandhi == (share == 1)
    assert not judged.metre


def test_metre_alone():
    """Verse of others scans, though its words are not known."""
    judged = judge("dharmakṣetre kurukṣetre samavetā yuyutsavaḥ")
    assert judged == Judgement(metre=True, caesura=True, words=0.0, sandhi=False, grammar=False)
    vipula = judge("bhīṣmadroṇapramukhataḥ sarveṣāṃ ca mahīkṣitām")
    assert not vipula.metre  # a vipulā is good metre, but not what the corpus is made of


SENTENCES = {  # forms as they sound alone -> are they one sentence?
    "gajaḥ patati": True,
    "gajāḥ patanti": True,
    "patati vane śanaiḥ gajaḥ ca": True,
    "gajaḥ patanti": False,
    "gajāḥ patati": False,
    "gajaḥ": False,
    "patati": False,
    "gajaḥ siṃhaḥ patati": False,  # two subjects
    "gajaḥ patati calati": False,  # two verbs
    "gajaḥ siṃham patati": False,
    "gajaḥ siṃham paśyati": True,
    "gajaḥ paśyati": False,
    "gajaḥ siṃham nṛpam paśyati": False,
    "vanam phalam paśyati": True,
    "vanāni phalam paśyati": True,  # the fruit sees the forests
    "vanāni phalāni paśyati": False,
    "ramyaḥ gajaḥ patati": True,
    "ramyā gajaḥ patati": False,
    "ramyāḥ gajaḥ patati": False,
    "ramyam gajaḥ patati": False,
    "ramyam gajaḥ siṃham paśyati": True,
    "ramyām gajaḥ siṃham paśyati": False,
    "ramyām gajaḥ nadīm paśyati": True,
    "ramyā gajaḥ nadīm paśyati": False,
    "ramyāḥ kanyāḥ hasanti": True,
    "nityam gajaḥ patati": True,  # an adverb here
    "nityam phalam patati": True,
}


@pytest.mark.parametrize(("forms", "right"), SENTENCES.items())
def test_grammar(forms, right):
    readings = itertools.product(*(meanings()[form] for form in forms.split()))
    assert any(map(is_sentence, readings)) == right


def test_gloss():
    assert gloss("gajaś ca patati") == [
        ("gajaḥ", "elephant", "gaja, masculine, nominative singular"),
        ("ca", "and", "indeclinable"),
        ("patati", "falls", "√pat, present, third singular"),
    ]


def test_gloss_prefers_a_reading_that_makes_a_sentence():
    """vanam may be subject or object; phalāni, a plural, can only be what is seen."""
    _, vanam, _ = gloss("phalāni vanaṃ paśyati")
    assert vanam == ("vanam", "forest", "vana, neuter, nominative singular")
    assert gloss("phalāni")[0][2] == "phala, neuter, nominative plural"  # no sentence: the first


@pytest.mark.parametrize(
    ("line", "match"),
    [("gajaḥ rathaḥ", "'rathaḥ' is no word of the lexicon"), ("gajaḥ ca", "breaks the rules")],
)
def test_gloss_says_why_there_is_none(line, match):
    with pytest.raises(ValueError, match=match):
        gloss(line)


def every_reading(words):
    """All lists of entries that sandhi would write so, one by one: the plain way."""
    for forms in itertools.product(*(written_forms()[word] for word in words)):
        try:
            same = written(forms) == " ".join(words)
        except ValueError:  # two of them would melt into one
            continue
        if same:
            yield from itertools.product(*(meanings()[form] for form in forms))


def shuffled(line, rng):
    words = line.split(" ")
    rng.shuffle(words)
    return words[: rng.randrange(1, len(words) + 1)]


def test_what_is_told_is_what_trying_all_readings_tells(lines):
    rng = random.Random(0)
    several = right = 0
    for line in lines:
        for words in (line.split(" "), shuffled(line, rng), shuffled(line, rng)):
            tried = list(every_reading(words))
            good = [list(entries) for entries in tried if is_sentence(entries)]
            judgement = judge(" ".join(words))
            assert (judgement.sandhi, judgement.grammar) == (bool(tried), bool(good))
            if tried:
                expected = (good or [list(tried[0])])[0]
                told = [(entry.form, entry.gloss, entry.analysis) for entry in expected]
                assert gloss(" ".join(words)) == told
            several += len(tried) > 1
            right += bool(good)
    assert several > 100
    assert right > len(lines)


def test_many_words_of_two_readings_are_no_labour():
    """latā may be two things, so 2,000 of them have more readings than there are atoms."""
    assert len(written_forms()["latā"]) > 1 or len(meanings()["latā"]) > 1
    judgement = judge(" ".join(["latā"] * 2000))
    assert (judgement.words, judgement.sandhi, judgement.grammar) == (1, True, False)
    line = "kokilo vimalo mandaṃ priyaś ca hṛdi śobhate"
    assert judge(line.replace("mandaṃ", " ".join(["mandaṃ"] * 500))).grammar


def test_a_long_line_is_not_quoted_whole():
    for line in ("x" * 10**5, " ".join(["gajaḥ ca"] * 10**4)):
        with pytest.raises(ValueError, match=r"is no word|breaks the rules") as error:
            gloss(line)
        assert len(str(error.value)) < 200
