-- Everything of a user that changes what an issued token or a remembered password may do raises `version`.
create table users (
  id text collate "C" primary key,
  name text collate "C" not null unique,
  password_hash text collate "C",
  is_admin bigint not null,
  is_disabled bigint not null,
  may_create_repositories bigint not null,
  version bigint not null,
  created_at bigint not null
);

create table teams (
  id text collate "C" primary key,
  name text collate "C" not null unique,
  created_at bigint not null
);

create table team_members (
  team_id text collate "C" not null references teams (id) on delete cascade,
  user_id text collate "C" not null references users (id) on delete cascade,
  primary key (team_id, user_id)
);
create index team_members_by_user on team_members (user_id, team_id);

create table grants (
  id text collate "C" primary key,
  repository_id bigint not null references repositories (id) on delete cascade,
  image_glob text collate "C" not null,
  subject_kind text collate "C" not null,
  subject_id text collate "C" not null,
  role text collate "C" not null,
  created_at bigint not null,
  created_by text collate "C" not null,
  unique (repository_id, image_glob, subject_kind, subject_id)
);
create index grants_by_subject on grants (subject_kind, subject_id);

create table access_tokens (
  id text collate "C" primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  name text collate "C" not null,
  prefix text collate "C" not null,
  secret_hash text collate "C" not null unique,
  scopes text collate "C" not null,
  created_at bigint not null,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint
);
create index access_tokens_by_user on access_tokens (user_id, id);

-- What a client keeps instead of a password; it dies with the access token it came from.
create table refresh_tokens (
  id text collate "C" primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  access_token_id text collate "C" references access_tokens (id) on delete cascade,
  user_version bigint not null,
  client_id text collate "C" not null,
  secret_hash text collate "C" not null unique,
  created_at bigint not null,
  expires_at bigint not null
);
create index refresh_tokens_by_user on refresh_tokens (user_id, id);
create index refresh_tokens_by_end on refresh_tokens (expires_at);
create index refresh_tokens_by_access_token on refresh_tokens (access_token_id);

-- Tells every process that registry tokens of a subject below a version count no more.
create table revocations (
  subject_id text collate "C" primary key,
  below_version bigint not null,
  revoked_at bigint not null
);
create index revocations_by_time on revocations (revoked_at);

create table signing_keys (
  kid text collate "C" primary key,
  algorithm text collate "C" not null,
  private_jwk text collate "C" not null,
  created_at bigint not null,
  retired_at bigint
);
-- one key signs, also when two processes make their first at the same time
create unique index signing_keys_current on signing_keys (algorithm) where retired_at is null;

create table failed_sign_ins (
  source text collate "C" primary key,
  failures bigint not null,
  window_ends_at bigint not null
);
create index failed_sign_ins_by_end on failed_sign_ins (window_ends_at);

-- What the program must remember of its own configuration; one row each.
create table remembered_settings (
  name text collate "C" primary key,
  value text collate "C" not null
);
