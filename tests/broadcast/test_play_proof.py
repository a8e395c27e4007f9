"""Proof in tiers: who counts as heard, who proved it by what, and whose proof failed."""

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.monthly_report import monthly_report
from broadcast.play_proof import MOST_NAMED, ProofSummary, proof_summaries
from broadcast.play_reports import HeardCount, receiver_outcomes
from devices.communes import commune
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import Studio
from tests.broadcast.test_play_reports import causes, counted, over, report, take
from tests.cast import COMMUNE
from tests.devices.test_receivers import counted as statements_of
from wire.reports import AcousticProof, ElectricalProof, Outcome

DREW = ElectricalProof(passed=True, readings=20, above=19, least=0.2, lowest=0.1, mean=1.8, highest=2.4, unit="A")
DREW_NOTHING = ElectricalProof(
    passed=False, readings=20, above=0, least=0.2, lowest=0.0, mean=0.03, highest=0.05, unit="A"
)
HEARD = AcousticProof(passed=True, windows=4, heard_in=4, correlation=0.47, delay_us=12_000)
NOT_HEARD = AcousticProof(passed=False, windows=4, heard_in=1, correlation=0.04, delay_us=250_000)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def proof(studio: Studio, put: Broadcast) -> ProofSummary:
    with studio.database.session() as session:
        return proof_summaries(session, [put])[put.id]


@pytest.mark.parametrize(
    ("said", "heard", "cause"),
    [
        ({}, 1, ""),
        ({"electrical": DREW}, 1, ""),
        ({"acoustic": HEARD}, 1, ""),
        ({"electrical": DREW, "acoustic": HEARD}, 1, ""),
        ({"electrical": DREW_NOTHING}, 0, "no_current"),
        ({"acoustic": NOT_HEARD}, 0, "not_heard"),
        ({"electrical": DREW, "acoustic": NOT_HEARD}, 0, "not_heard"),
        ({"electrical": DREW_NOTHING, "acoustic": HEARD}, 0, "no_current"),
    ],
)
def test_where_a_tier_that_is_fitted_failed_it_was_not_heard_whatever_the_frames_say(
    studio: Studio, said: dict[str, object], heard: int, cause: str
) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, **said))
    assert counted(studio, put) == HeardCount(heard, 1, 2)
    assert causes(studio, put)["loa-1"] == ("played", cause)


def test_each_receiver_counts_for_the_best_proof_that_it_gave(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, electrical=DREW, acoustic=HEARD))
    take(studio, report(studio, "loa-2", put, electrical=DREW))
    assert proof(studio, put) == ProofSummary(by_microphone=1, by_current=1)


def test_those_whose_proof_failed_are_named_with_why(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, electrical=DREW_NOTHING))
    take(studio, report(studio, "loa-2", put, acoustic=NOT_HEARD))
    assert proof(studio, put) == ProofSummary(unproved=[("loa-1", "no_current"), ("loa-2", "not_heard")])


def test_what_did_not_sound_at_all_has_no_proof_to_fail(studio: Studio) -> None:
    put = studio.speak_now()
    missed = report(studio, "loa-1", put, outcome=Outcome.MISSED, cause="no_audio", frames_played=0)
    take(studio, missed)
    assert proof(studio, put) == ProofSummary()
    assert causes(studio, put)["loa-1"] == ("missed", "no_audio")


def test_the_proof_itself_is_kept_whole(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, electrical=DREW, acoustic=NOT_HEARD))
    with studio.database.session() as session:
        said = {d.receiver.id: d.report for d in receiver_outcomes(session, put, studio.now())}["loa-1"]
    assert said is not None
    assert (said.electrical_proof, said.acoustic_proof) == (DREW, NOT_HEARD)


def test_of_very_many_that_failed_the_rest_is_counted(studio: Studio) -> None:
    put = studio.speak_now()
    with studio.database.writing() as session:
        for k in range(MOST_NAMED + 5):
            studio.add_receiver(session, f"thon-{k:02}", [])
    for k in range(MOST_NAMED + 5):
        take(studio, report(studio, f"thon-{k:02}", put, electrical=DREW_NOTHING))
    found = proof(studio, put)
    assert (len(found.unproved), found.more) == (MOST_NAMED, 5)


def test_the_number_of_queries_does_not_grow_with_the_broadcasts(studio: Studio) -> None:
    made = [studio.speak_now() for _ in range(5)]
    for put in made:
        take(studio, report(studio, "loa-1", put, electrical=DREW_NOTHING))
    with studio.database.session() as session, statements_of(studio.database) as statements:
        assert len(proof_summaries(session, made)) == 5
    assert sum(statement.startswith("SELECT") for statement in statements) == 2


def test_the_monthly_report_says_why_it_was_not_heard(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, electrical=DREW_NOTHING))
    take(studio, report(studio, "loa-2", put, acoustic=NOT_HEARD))
    over(studio, put)
    with studio.database.session() as session:
        found = monthly_report(session, commune(session, COMMUNE), put.starts_at.date(), studio.now())
    assert found.heard == 0
    assert [line.causes for line in found.not_fully_heard] == [{"no_current": 1, "not_heard": 1}]
