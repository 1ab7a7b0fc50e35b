"""What virtual PBXs told, as they told it."""

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_UNTOLD = sa.text("told_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "pbx_facts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("fact_id", sa.String(length=200), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("kept_at", _TIME, nullable=False),
        sa.Column("told_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pbx_facts"),
        sa.UniqueConstraint("source", "fact_id", name="uq_pbx_facts_source_fact_id"),
    )
    op.create_index("ix_pbx_facts_call_id", "pbx_facts", ["call_id"])
    op.create_index(
        "ix_pbx_facts_untold", "pbx_facts", ["kept_at"], sqlite_where=_UNTOLD, postgresql_where=_UNTOLD
    )


def downgrade() -> None:
    op.drop_table("pbx_facts")
