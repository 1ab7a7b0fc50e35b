"""What the voicebot did: its calls, what callers asked it, and the phrases that supervisors taught it."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STANDING = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_calls_caller", "calls")
    op.create_index("ix_calls_caller_received_at", "calls", ["caller", "received_at"])
    op.create_table(
        "bot_calls",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("hand_over", sa.String(length=32), nullable=True),
        sa.Column("thumb", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name="pk_bot_calls"),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name="fk_bot_calls_call_id_calls", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_bot_calls_started_at", "bot_calls", ["started_at"])
    op.create_table(
        "bot_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("tape_s", sa.Double(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("question", sa.String(length=64), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("hand_over", sa.String(length=32), nullable=True),
        sa.Column("thumb", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_bot_lines"),
        sa.ForeignKeyConstraint(
            ["call_id"], ["bot_calls.call_id"], name="fk_bot_lines_call_id_bot_calls", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_bot_lines_call_id", "bot_lines", ["call_id"])
    op.create_index("ix_bot_lines_at_id", "bot_lines", ["at", "id"])
    op.create_table(
        "taught_phrases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("phrase", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("taught_at", _TIME, nullable=False),
        sa.Column("taught_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_taught_phrases"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_taught_phrases_standing",
        "taught_phrases",
        ["phrase", "language"],
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )


def downgrade() -> None:
    for table in ("taught_phrases", "bot_lines", "bot_calls"):
        op.drop_table(table)
    op.drop_index("ix_calls_caller_received_at", "calls")
    op.create_index("ix_calls_caller", "calls", ["caller"])
