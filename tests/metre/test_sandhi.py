"""Words joined: known verses from their padapāṭha, and each rule by itself."""

import pytest

from tantra.metre import join, pair
from tantra.metre.sandhi import RULES

VERSES = {  # words as they sound alone -> the text as it is handed down
    "dharmakṣetre kurukṣetre samavetāḥ yuyutsavaḥ": "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ",
    "māmakāḥ pāṇḍavāḥ ca eva kim akurvata sañjaya": "māmakāḥ pāṇḍavāś caiva kim akurvata sañjaya",
    "karmaṇi eva adhikāraḥ te mā phaleṣu kadācana": "karmaṇy evādhikāras te mā phaleṣu kadācana",
    "mā te saṅgaḥ astu akarmaṇi": "mā te saṅgo 'stv akarmaṇi",
    "paśya etān samavetān kurūn iti": "paśyaitān samavetān kurūn iti",
    "vāgarthau iva saṃpṛktau": "vāgarthāv iva saṃpṛktau",
    "dilīpaḥ iti rājenduḥ induḥ kṣīranidhau iva": "dilīpa iti rājendur induḥ kṣīranidhāv iva",
    "pratiṣṭhām tvam agamaḥ śāśvatīḥ samāḥ": "pratiṣṭhāṃ tvam agamaḥ śāśvatīḥ samāḥ",
    "yat krauñcamithunāt ekam avadhīḥ": "yat krauñcamithunād ekam avadhīḥ",
    "na jāyate mriyate vā kadācit na ayam": "na jāyate mriyate vā kadācin nāyam",
    "vāsāṃsi jīrṇāni yathā vihāya": "vāsāṃsi jīrṇāni yathā vihāya",
}

PAIRS = {
    # ḥ
    "rāmaḥ gacchati": "rāmo gacchati",
    "rāmaḥ atra": "rāmo 'tra",
    "rāmaḥ iti": "rāma iti",
    "rāmāḥ iti": "rāmā iti",
    "rāmāḥ gacchanti": "rāmā gacchanti",
    "rāmaḥ ca": "rāmaś ca",
    "rāmaḥ ṭīkate": "rāmaṣ ṭīkate",
    "rāmaḥ tatra": "rāmas tatra",
    "rāmaḥ karoti": "rāmaḥ karoti",
    "rāmaḥ sarvaḥ": "rāmaḥ sarvaḥ",
    "agniḥ iti": "agnir iti",
    "agniḥ gacchati": "agnir gacchati",
    "agniḥ rājate": "agnī rājate",
    "guruḥ rājate": "gurū rājate",
    "saḥ gacchati": "sa gacchati",
    "saḥ iti": "sa iti",
    "saḥ karoti": "sa karoti",
    "saḥ atra": "so 'tra",
    "eṣaḥ tu": "eṣa tu",
    # r
    "punar api": "punar api",
    "punar gacchati": "punar gacchati",
    "punar karoti": "punaḥ karoti",
    "punar ca": "punaś ca",
    "punar tatra": "punas tatra",
    "punar ramate": "punā ramate",
    # m
    "tam paśyati": "taṃ paśyati",
    "tam api": "tam api",
    # t
    "tat ca": "tac ca",
    "tat śrutvā": "tac chrutvā",
    "tat jalam": "taj jalam",
    "tat labhate": "tal labhate",
    "tat na": "tan na",
    "tat mama": "tan mama",
    "tat hi": "tad dhi",
    "tat api": "tad api",
    "tat gacchati": "tad gacchati",
    "tat karoti": "tat karoti",
    "suhṛd karoti": "suhṛt karoti",
    # other stops
    "vāk api": "vāg api",
    "vāk mama": "vāṅ mama",
    "vāk hi": "vāg ghi",
    "ṣaṭ api": "ṣaḍ api",
    "ṣaṭ māsāḥ": "ṣaṇ māsāḥ",
    "anuṣṭup eva": "anuṣṭub eva",
    # n
    "asmin iti": "asminn iti",
    "tān iti": "tān iti",
    "tān ca": "tāṃś ca",
    "tān tu": "tāṃs tu",
    "tān janān": "tāñ janān",
    "tān śatrūn": "tāñ śatrūn",
    "tān karoti": "tān karoti",
    # vowels
    "na api": "nāpi",
    "na āsīt": "nāsīt",
    "gacchati iti": "gacchatīti",
    "sādhu uktam": "sādhūktam",
    "na iti": "neti",
    "na uktam": "noktam",
    "tatra ṛṣiḥ": "tatrarṣiḥ",
    "tatra eva": "tatraiva",
    "sā oṣadhiḥ": "sauṣadhiḥ",
    "iti api": "ity api",
    "nadī api": "nady api",
    "tu eva": "tv eva",
    "pitṛ artham": "pitr artham",
    "te api": "te 'pi",
    "te āsate": "ta āsate",
    "te eva": "ta eva",
    "prabho iti": "prabha iti",
    "prabho atra": "prabho 'tra",
    "tasmai api": "tasmā api",
    "tau api": "tāv api",
    "na gacchati": "na gacchati",
}


@pytest.mark.parametrize(("words", "text"), (VERSES | PAIRS).items())
def test_join(words, text):
    assert join(words.split()) == text


def test_every_rule_is_tried():
    last_sounds = {words.split()[0][-1] for words in PAIRS}
    assert set(RULES) <= last_sounds


def test_pair_says_where_the_gap_is():
    assert pair("tat", "śrutvā") == ("tac", " ", "chrutvā")
    assert pair("na", "iti") == ("ne", "", "ti")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["ca", "eṣaḥ", "tu"], "caiṣa tu"),  # a word already melted keeps its rule
        (["saḥ", "api", "atra"], "so 'py atra"),  # an avagraha in the way
        (["na", "iha", "atra", "asti"], "nehātrāsti"),
        (["eva"], "eva"),
    ],
)
def test_several_words(words, text):
    assert join(words) == text


@pytest.mark.parametrize("words", [[], ["rāma", ""], ["two words"], ["queen"], ["nija-aṅga"]])
def test_what_is_no_word_is_named(words):
    with pytest.raises(ValueError, match=r"no words to join|is not one word of IAST"):
        join(words)
