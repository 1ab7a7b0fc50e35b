"""The CRM's own id on a customer's card, and wrong passwords counted for all nodes together."""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customers", sa.Column("reference", sa.String(length=200), nullable=True))
    op.create_index("ix_customers_reference", "customers", ["reference"], unique=True)
    op.create_table(
        "login_attempts",
        sa.Column("login_hash", sa.String(length=64), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("login_hash", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_last_at", "login_attempts", ["last_at"])


def downgrade() -> None:
    op.drop_table("login_attempts")
    op.drop_index("ix_customers_reference", "customers")
    with op.batch_alter_table("customers") as customers:
        customers.drop_column("reference")
