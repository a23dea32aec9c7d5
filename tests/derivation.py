"""Derive inflected words by Pāṇini's rules, with vidyut.prakriya (tests only).

An analysis, as it stands in tantra/verses/texts and tantra/metre/lexicon.tsv, is one of

    pada, neuter, ablative singular                 noun, adjective, pronoun
    √jan + ta, neuter, nominative singular          past participle
    √dṛś + tvā                                      gerund
    tad + tra                                       adverb made from a pronoun
    √kḷp, present, third singular                   finite verb; also "present passive", "optative"
    √yuj causative, optative, third singular
    indeclinable                                    never derived
"""

from functools import cache

from vidyut.lipi import Scheme, transliterate
from vidyut.prakriya import (
    Dhatu,
    Gana,
    Krt,
    Lakara,
    Linga,
    Pada,
    Pratipadika,
    Prayoga,
    Purusha,
    Sanadi,
    Taddhita,
    Vacana,
    Vibhakti,
    Vyakarana,
)

from tantra.metre import join

GENDERS = {"masculine": Linga.Pum, "feminine": Linga.Stri, "neuter": Linga.Napumsaka}
CASES = {
    "nominative": Vibhakti.Prathama,
    "accusative": Vibhakti.Dvitiya,
    "instrumental": Vibhakti.Trtiya,
    "dative": Vibhakti.Caturthi,
    "ablative": Vibhakti.Panchami,
    "genitive": Vibhakti.Sasthi,
    "locative": Vibhakti.Saptami,
}
NUMBERS = {"singular": Vacana.Eka, "dual": Vacana.Dvi, "plural": Vacana.Bahu}
TENSES = {"present": Lakara.Lat, "optative": Lakara.VidhiLin}
VOICES = {"": Prayoga.Kartari, "passive": Prayoga.Karmani}
SUFFIXES = {"ta": Krt.kta, "tvā": Krt.ktvA}
ADVERBIAL = {"tra": Taddhita.tral, "tas": Taddhita.tasil, "thā": Taddhita.TAl, "dā": Taddhita.dA}

# The root as the Dhātupāṭha lists it, in SLP1 with its markers; its class; its prefixes.
ROOTS = {
    "kḷp": ("kfpU~\\", Gana.Bhvadi),
    "bhaj": ("Ba\\ja~^", Gana.Bhvadi),
    "dā": ("qudA\\Y", Gana.Juhotyadi),
    "bhid": ("Bi\\di~^r", Gana.Rudhadi),
    "bhāj": ("BAja", Gana.Curadi),
    "bhū": ("BU", Gana.Bhvadi),
    "dhṛ": ("Df\\Y", Gana.Bhvadi),
    "dṛś": ("df\\Si~r", Gana.Bhvadi),
    "gam": ("ga\\mx~", Gana.Bhvadi),
    "gaṇ": ("gaRa", Gana.Curadi),
    "guṇ": ("guRa", Gana.Curadi),
    "i": ("i\\R", Gana.Adadi),
    "jan": ("janI~\\", Gana.Divadi),
    "kṛ": ("qukf\\Y", Gana.Tanadi),
    "likh": ("liKa~", Gana.Tudadi),
    "mā": ("mA\\N", Gana.Juhotyadi),
    "nī": ("RI\\Y", Gana.Bhvadi),
    "pad": ("pa\\da~\\", Gana.Divadi),
    "paṭh": ("paWa~", Gana.Bhvadi),
    "pūr": ("pUrI~", Gana.Curadi),
    "as": ("asu~", Gana.Divadi),
    "sidh": ("zi\\Du~", Gana.Divadi),
    "tyaj": ("tya\\ja~", Gana.Bhvadi),
    "vid": ("vida~", Gana.Adadi),
    "vṛ": ("vfY", Gana.Svadi),
    "vṛdh": ("vfDu~\\", Gana.Bhvadi),
    "yuj": ("yu\\ji~^r", Gana.Rudhadi),
    "yā": ("yA\\", Gana.Adadi),
    "īkṣ": ("Ikza~\\", Gana.Bhvadi),
    "śaṃs": ("Sansu~", Gana.Bhvadi),
    "ūh": ("Uha~\\", Gana.Bhvadi),
    "vad": ("vada~", Gana.Bhvadi),
    "śru": ("Sru\\", Gana.Bhvadi),
    "gai": ("gE\\", Gana.Bhvadi),
    "nam": ("Ra\\ma~", Gana.Bhvadi),
    "pūj": ("pUja~", Gana.Curadi),
    "smṛ": ("smf\\", Gana.Bhvadi),
    "iṣ": ("izu~", Gana.Tudadi),
    "labh": ("qula\\Ba~\\z", Gana.Bhvadi),
    "vind": ("vi\\dx~^", Gana.Tudadi),
    "rakṣ": ("rakza~", Gana.Bhvadi),
    "cint": ("citi~", Gana.Curadi),
    "dhyai": ("DyE\\", Gana.Bhvadi),
    "hṛ": ("hf\\Y", Gana.Bhvadi),
    "sev": ("zevf~\\", Gana.Bhvadi),
    "bhāṣ": ("BAza~\\", Gana.Bhvadi),
    "jñā": ("jYA\\", Gana.Kryadi),
    "bhṛ": ("quBf\\Y", Gana.Juhotyadi),
    "sthā": ("zWA\\", Gana.Bhvadi),
    "cal": ("cala~", Gana.Bhvadi),
    "pat": ("patx~", Gana.Bhvadi),
    "rāj": ("rAjf~^", Gana.Bhvadi),
    "śubh": ("SuBa~\\", Gana.Bhvadi),
    "mud": ("muda~\\", Gana.Bhvadi),
    "ram": ("ra\\mu~\\", Gana.Bhvadi),
    "has": ("hase~", Gana.Bhvadi),
    "jīv": ("jIva~", Gana.Bhvadi),
    "bhram": ("Bramu~", Gana.Bhvadi),
    "car": ("cara~", Gana.Bhvadi),
    "vṛt": ("vftu~\\", Gana.Bhvadi),
    "vas": ("va\\sa~", Gana.Bhvadi),
    "sṛ": ("sf\\", Gana.Bhvadi),
    "nand": ("wunadi~", Gana.Bhvadi),
}
PREFIXES = {
    "ā": "AN",
    "sam": "sam",
    "ni": "ni",
    "nir": "nir",
    "prati": "prati",
    "pra": "pra",
    "pari": "pari",
    "vi": "vi",
}

grammar = Vyakarana(log_steps=False)


def slp1(iast):
    return transliterate(iast, Scheme.Iast, Scheme.Slp1)


def root(label):
    """The verbal root of a label such as "√prati-i" or "√yuj causative"."""
    name, _, causative = label.removeprefix("√").partition(" ")
    *prefixes, name = name.split("-")
    dhatu = Dhatu.mula(*ROOTS[name])
    if causative:
        dhatu = dhatu.with_sanadi([{"causative": Sanadi.Ric}[causative]])
    return dhatu.with_prefixes([PREFIXES[p] for p in prefixes]) if prefixes else dhatu


def stem(label, gender):
    if label.startswith("√"):
        verb, _, suffix = label.partition(" + ")
        return Pratipadika.krdanta(root(verb), SUFFIXES[suffix])
    if " + " in label:
        base, _, suffix = label.partition(" + ")
        return Pratipadika.taddhitanta(Pratipadika.basic(slp1(base)), ADVERBIAL[suffix])
    label = slp1(join(label.split("-")).replace(" ", ""))
    feminine = gender == "feminine" and label.endswith(("A", "I"))
    return Pratipadika.nyap(label) if feminine else Pratipadika.basic(label)


def request(analysis):
    """What to ask vidyut for, from the analysis of an inflected word."""
    first, *rest = analysis.split(", ")
    if not rest:
        return stem(first, None)
    if rest[0] in GENDERS:
        case, number = rest[1].split()
        base = stem(first, rest[0])
        return Pada.Subanta(base, GENDERS[rest[0]], CASES[case], NUMBERS[number])
    tense, _, voice = rest[0].partition(" ")
    person, number = rest[1].split()
    assert person == "third", analysis
    return Pada.Tinanta(
        root(first), VOICES[voice], TENSES[tense], Purusha.Prathama, NUMBERS[number]
    )


@cache
def forms(analysis):
    """Every form, in IAST, that the grammar derives for an analysis."""
    derived = grammar.derive(request(analysis))
    return frozenset(transliterate(x.text, Scheme.Slp1, Scheme.Iast) for x in derived)
