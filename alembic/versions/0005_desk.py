"""The desk: groups, operators' states, a second factor, the audit log, and what people write on tickets."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_INDEXES = (
    ("tickets", ["assignee"]),
    ("tickets", ["assigned_group"]),
    ("tickets", ["remind_at"]),
    ("tickets", ["customer_id", "created_at", "number"]),
    ("calls", ["outcome", "received_at"]),
    ("calls", ["operator", "received_at"]),
)


def _index(table: str, columns: list[str]) -> str:
    return "_".join(["ix", table, *columns])


def _columns() -> dict[str, list[sa.Column]]:
    def text(name: str) -> sa.Column:
        return sa.Column(name, sa.Text(), nullable=True)

    return {
        "transcripts": [sa.Column("words", sa.Text(), nullable=False, server_default="")],
        "ticket_notes": [
            sa.Column("kind", sa.String(length=32), nullable=False, server_default="note"),
            sa.Column("key", sa.String(length=64), nullable=True),
        ],
        "accounts": [
            sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("hears_group", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("language", sa.String(length=16), nullable=True),
            text("totp_secret"),
            sa.Column("totp_used", sa.BigInteger(), nullable=True),
            text("phone_secret"),
            sa.Column("start_password", sa.Boolean(), nullable=False, server_default=sa.false()),
        ],
        "sessions": [
            sa.Column("device", sa.String(length=200), nullable=False, server_default=""),
            sa.Column("seen_at", _TIME, nullable=True),
            sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.false()),
        ],
        "tickets": [
            text("subject_by"),
            text("topic_by"),
            text("customer_by"),
            sa.Column("fields", sa.JSON(), nullable=False, server_default="{}"),
            text("assignee"),
            sa.Column("assigned_group", sa.Integer(), nullable=True),
            sa.Column("remind_at", _TIME, nullable=True),
            text("remind_whom"),
            text("remind_text"),
            sa.Column("reminded_at", _TIME, nullable=True),
            sa.Column("missed_done_at", _TIME, nullable=True),
            text("missed_done_by"),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("name", name="uq_groups_name"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "account_id", name="pk_group_members"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_group_members_group_id_groups", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_group_members_account_id_accounts", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_group_members_account_id", "group_members", ["account_id"])
    op.create_table(
        "group_queues",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "queue", name="pk_group_queues"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_group_queues_group_id_groups", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "operator_states",
        sa.Column("extension", sa.String(length=32), nullable=False),
        sa.Column("presence", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("extension", name="pk_operator_states"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at_id", "audit_log", ["at", "id"])
    op.create_index("ix_audit_log_action", "audit_log", ["action"])
    op.create_index("ix_audit_log_subject", "audit_log", ["subject"])
    op.create_table(
        "ticket_tags",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", "tag", name="pk_ticket_tags"),
        sa.ForeignKeyConstraint(
            ["number"], ["tickets.number"], name="fk_ticket_tags_number_tickets", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_tags_tag", "ticket_tags", ["tag"])
    # Columns are added in place. SQLite would otherwise make each table anew, and dropping the old one takes the rows
    # that hang on it along.
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    for table, names in _INDEXES:
        op.create_index(_index(table, names), table, names)
    op.create_index("uq_ticket_notes_key", "ticket_notes", ["number", "author", "key"], unique=True)
    _fill_words()


def _fill_words() -> None:
    """The words of the transcripts that are there, to be searched: a few at a time, they may be many."""
    transcripts = sa.table(
        "transcripts",
        sa.column("recording_id", sa.Integer()),
        sa.column("phrases", sa.JSON()),
        sa.column("words", sa.Text()),
    )
    connection, last = op.get_bind(), 0
    while True:
        batch = (
            sa.select(transcripts.c.recording_id, transcripts.c.phrases)
            .where(transcripts.c.recording_id > last)
            .order_by(transcripts.c.recording_id)
            .limit(500)
        )
        rows = connection.execute(batch).all()
        if not rows:
            return
        for recording_id, phrases in rows:
            text = " ".join(str(phrase.get("text", "")) for phrase in phrases)
            words = " ".join(text.lower().split())
            row = sa.update(transcripts).where(transcripts.c.recording_id == recording_id)
            connection.execute(row.values(words=words))
        last = rows[-1].recording_id


def downgrade() -> None:
    op.drop_index("uq_ticket_notes_key", "ticket_notes")
    for table, names in _INDEXES:
        op.drop_index(_index(table, names), table)
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
    for table in ("ticket_tags", "audit_log", "operator_states", "group_queues", "group_members", "groups"):
        op.drop_table(table)
