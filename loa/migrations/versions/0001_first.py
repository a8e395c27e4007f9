"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commune",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("province", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("volume_ceiling_percent", sa.Integer(), nullable=False),
    )
    op.create_table(
        "fault",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("receiver_id", sa.String(), nullable=False, index=True),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "heardreport",
        sa.Column("report", sa.String(), primary_key=True),
        sa.Column("receiver_id", sa.String(), primary_key=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "heartbeatsample",
        sa.Column("receiver_id", sa.String(), primary_key=True),
        sa.Column("minute_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("clock_error_us", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_us", sa.BigInteger(), nullable=False),
        sa.Column("playout_p50_us", sa.BigInteger(), nullable=False),
        sa.Column("playout_p99_us", sa.BigInteger(), nullable=False),
        sa.Column("playout_max_us", sa.BigInteger(), nullable=False),
        sa.Column("steering_ppm", sa.Float(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("underruns", sa.BigInteger(), nullable=False),
        sa.Column("playing", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "lastheartbeat",
        sa.Column("receiver_id", sa.String(), primary_key=True),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "playreportrow",
        sa.Column("broadcast_id", sa.String(), primary_key=True),
        sa.Column("receiver_id", sa.String(), primary_key=True, index=True),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("manifest_revision", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("first_frame_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_frame_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frames_played", sa.BigInteger(), nullable=False),
        sa.Column("frames_due", sa.BigInteger(), nullable=False),
        sa.Column("error_p50_us", sa.BigInteger(), nullable=False),
        sa.Column("error_p99_us", sa.BigInteger(), nullable=False),
        sa.Column("error_max_us", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("concealed", sa.BigInteger(), nullable=False),
        sa.Column("underruns", sa.BigInteger(), nullable=False),
        sa.Column("volume_percent", sa.Integer(), nullable=False),
        sa.Column("stood_in", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "selftestrun",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("night", sa.String(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("level_dbfs", sa.Float(), nullable=False),
        sa.Column("spread_ms", sa.Integer(), nullable=False),
        sa.UniqueConstraint("commune_id", "night"),
    )
    op.create_table(
        "selftestpart",
        sa.Column("test_id", sa.String(), sa.ForeignKey("selftestrun.id"), primary_key=True),
        sa.Column("receiver_id", sa.String(), primary_key=True, index=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("failed_step", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
    )
    op.create_table(
        "presencechange",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("receiver_id", sa.String(), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
    )
    op.create_table(
        "clip",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("original_name", sa.String(), nullable=False),
        sa.Column("original_sha256", sa.String(), nullable=False, index=True),
        sa.Column("original_bytes", sa.BigInteger(), nullable=False),
        sa.Column("original_extension", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("trim_silence", sa.Boolean(), nullable=False),
        sa.Column("trimmed_start_us", sa.BigInteger(), nullable=False),
        sa.Column("trimmed_end_us", sa.BigInteger(), nullable=False),
        sa.Column("loudness_before_lufs", sa.Float(), nullable=True),
        sa.Column("loudness_after_lufs", sa.Float(), nullable=True),
        sa.Column("true_peak_after_dbtp", sa.Float(), nullable=True),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("builtin", sa.String(), nullable=False),
        sa.Column("replaced_by", sa.String(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("folded", sa.String(), nullable=False),
    )
    op.create_table(
        "backupclip",
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id"), nullable=False),
    )
    op.create_table(
        "ingestjob",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("trim_silence", sa.Boolean(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("clip_id", sa.String(), nullable=True),
        sa.Column("replaces", sa.String(), nullable=True),
        sa.Column("same_as_before", sa.Boolean(), nullable=False),
        sa.Column("resumed", sa.Boolean(), nullable=False),
        sa.Column("incoming", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "operator",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("maker", sa.String(), nullable=False),
        sa.Column("former_commune", sa.String(), nullable=False),
    )
    op.create_table(
        "zone",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("name", sa.String(), nullable=False),
    )
    op.create_table(
        "broadcast",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("programme_id", sa.Integer(), sa.ForeignKey("programme.id"), nullable=True),
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id"), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("announced_revision", sa.Integer(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
    )
    op.create_table(
        "cliprendition",
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id"), primary_key=True),
        sa.Column("codec", sa.String(), primary_key=True),
        sa.Column("sha256", sa.String(), nullable=False, index=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
    )
    op.create_table(
        "programmeitem",
        sa.Column("programme_id", sa.Integer(), sa.ForeignKey("programme.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id"), nullable=True, index=True),
        sa.Column("gap_ms", sa.Integer(), nullable=False),
    )
    op.create_table(
        "receiver",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("station_id", sa.Integer(), sa.ForeignKey("station.id"), nullable=False, index=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("broker_hash", sa.String(), nullable=False),
        sa.Column("volume_percent", sa.Integer(), nullable=False),
        sa.Column("volume_ceiling_percent", sa.Integer(), nullable=False),
        sa.Column("path_delay_us", sa.Integer(), nullable=False),
        sa.Column("amplifier_lead_ms", sa.Integer(), nullable=False),
        sa.Column("config_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("programme_id", sa.Integer(), sa.ForeignKey("programme.id"), nullable=False, index=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("rule", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "websession",
        sa.Column("token_hash", sa.String(), primary_key=True),
        sa.Column("operator_id", sa.Integer(), sa.ForeignKey("operator.id"), nullable=False, index=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "broadcastchange",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("broadcast_id", sa.String(), sa.ForeignKey("broadcast.id"), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
    )
    op.create_table(
        "slot",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("schedule_id", sa.Integer(), sa.ForeignKey("schedule.id"), nullable=False, index=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("schedule_revision", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("broadcast_id", sa.String(), sa.ForeignKey("broadcast.id"), nullable=True, index=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.UniqueConstraint("schedule_id", "due_at"),
    )
    op.create_table(
        "zonemember",
        sa.Column("zone_id", sa.String(), sa.ForeignKey("zone.id"), primary_key=True),
        sa.Column("receiver_id", sa.String(), sa.ForeignKey("receiver.id"), primary_key=True, index=True),
    )
