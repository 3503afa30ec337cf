-- What people want to know: a feed, and the mails that carry it.

create table notification (
  id uuid primary key,
  kind text not null,
  -- Whom it addresses; null: the vendor's own people.
  partner_id uuid,
  subject_kind text not null,
  subject_id text not null,
  data jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index notification_partner on notification (partner_id, id);
create index notification_subject on notification (subject_kind, subject_id, id);
create index notification_kind on notification (kind, id);
select isolate_partner_rows('notification', 'partner_id');

-- One row per notification and recipient; whoever sends puts those of one recipient into one message.
create table mail (
  id uuid primary key,
  notification_id uuid not null references notification,
  recipient_name text not null,
  recipient_email text not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
  attempts integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  last_error text,
  sent_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index mail_waiting on mail (recipient_email) where state = 'pending';
create index mail_due on mail (due_at, id) where state = 'pending';
create index mail_failed on mail (id) where state = 'failed';
create index mail_notification on mail (notification_id);
select hide_from_partners('mail');
