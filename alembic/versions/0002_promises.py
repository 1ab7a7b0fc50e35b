"""The list of people who were promised a call-back, and the attempts to reach them."""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STANDING = sa.text("joined_to IS NULL AND state IN ('open', 'calling')")


def upgrade() -> None:
    op.create_table(
        "promises",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("vip_level", sa.Integer(), nullable=False),
        sa.Column("place_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("joined_to", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_in", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["joined_to"], ["promises.id"], name="fk_promises_joined_to_promises"),
        sa.PrimaryKeyConstraint("id", name="pk_promises"),
        sa.UniqueConstraint("call_id", name="uq_promises_call_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_promises_state", "promises", ["state"])
    op.create_index("ix_promises_joined_to", "promises", ["joined_to"])
    op.create_index(
        "uq_promises_standing_number",
        "promises",
        ["number"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )
    op.create_table(
        "promise_attempts",
        sa.Column("promise_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["promise_id"], ["promises.id"], name="fk_promise_attempts_promise_id_promises"
        ),
        sa.PrimaryKeyConstraint("promise_id", "number", name="pk_promise_attempts"),
        sa.UniqueConstraint("call_id", name="uq_promise_attempts_call_id"),
    )
    # "Has this person rung in meanwhile?" is asked of every promise again and again.
    op.create_index("ix_calls_caller", "calls", ["caller"])


def downgrade() -> None:
    op.drop_index("ix_calls_caller", "calls")
    op.drop_table("promise_attempts")
    op.drop_table("promises")
