-- Everything of a user that changes what an issued token or a remembered password may do raises `version`.
create table users (
  id text primary key,
  name text not null unique,
  password_hash text,
  is_admin integer not null,
  is_disabled integer not null,
  may_create_repositories integer not null,
  version integer not null,
  created_at integer not null
) without rowid;

create table teams (
  id text primary key,
  name text not null unique,
  created_at integer not null
) without rowid;

create table team_members (
  team_id text not null references teams (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  primary key (team_id, user_id)
) without rowid;
create index team_members_by_user on team_members (user_id, team_id);

create table grants (
  id text primary key,
  repository_id integer not null references repositories (id) on delete cascade,
  image_glob text not null,
  subject_kind text not null,
  subject_id text not null,
  role text not null,
  created_at integer not null,
  created_by text not null,
  unique (repository_id, image_glob, subject_kind, subject_id)
) without rowid;
create index grants_by_subject on grants (subject_kind, subject_id);

create table access_tokens (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  name text not null,
  prefix text not null,
  secret_hash text not null unique,
  scopes text not null,
  created_at integer not null,
  expires_at integer,
  last_used_at integer,
  revoked_at integer
) without rowid;
create index access_tokens_by_user on access_tokens (user_id, id);

-- What a client keeps instead of a password; it dies with the access token it came from.
create table refresh_tokens (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  access_token_id text references access_tokens (id) on delete cascade,
  user_version integer not null,
  client_id text not null,
  secret_hash text not null unique,
  created_at integer not null,
  expires_at integer not null
) without rowid;
create index refresh_tokens_by_user on refresh_tokens (user_id, id);
create index refresh_tokens_by_end on refresh_tokens (expires_at);
create index refresh_tokens_by_access_token on refresh_tokens (access_token_id);

-- Tells every process that registry tokens of a subject below a version count no more.
create table revocations (
  subject_id text primary key,
  below_version integer not null,
  revoked_at integer not null
) without rowid;
create index revocations_by_time on revocations (revoked_at);

create table signing_keys (
  kid text primary key,
  algorithm text not null,
  private_jwk text not null,
  created_at integer not null,
  retired_at integer
) without rowid;
-- one key signs, also when two processes make their first at the same time
create unique index signing_keys_current on signing_keys (algorithm) where retired_at is null;

create table failed_sign_ins (
  source text primary key,
  failures integer not null,
  window_ends_at integer not null
) without rowid;
create index failed_sign_ins_by_end on failed_sign_ins (window_ends_at);

-- What the program must remember of its own configuration; one row each.
create table remembered_settings (
  name text primary key,
  value text not null
) without rowid;
