-- Numbers of repositories and packages are never given twice: they are remembered in memory.
create table repositories (
  id integer primary key autoincrement,
  name text not null unique,
  class text not null,
  format text not null,
  visibility text not null,
  settings text not null,
  created_at integer not null,
  created_by text not null
);

create table packages (
  id integer primary key autoincrement,
  repository_id integer not null references repositories (id) on delete cascade,
  name text not null,
  full_name text not null unique,
  created_at integer not null,
  unique (repository_id, name)
);

-- The exact bytes of a manifest are its document; what is beside it was read out of them once.
create table artifacts (
  id integer primary key,
  package_id integer not null references packages (id) on delete cascade,
  digest text not null,
  media_type text not null,
  artifact_type text,
  subject text,
  annotations text,
  size integer not null,
  document blob not null,
  pushed_at integer not null,
  pushed_by text not null,
  unique (package_id, digest)
);
create index artifacts_by_subject on artifacts (package_id, subject, digest) where subject is not null;
create index artifacts_by_digest on artifacts (digest);

-- The media type stands here too, so that a pull by tag is one indexed read.
create table tags (
  package_id integer not null references packages (id) on delete cascade,
  name text not null,
  digest text not null,
  media_type text not null,
  updated_at integer not null,
  primary key (package_id, name)
) without rowid;
create index tags_by_digest on tags (package_id, digest);

create table tag_history (
  id integer primary key,
  package_id integer not null references packages (id) on delete cascade,
  name text not null,
  digest text,
  changed_at integer not null,
  changed_by text not null
);
create index tag_history_by_tag on tag_history (package_id, name, id);

create table blobs (
  digest text primary key,
  size integer not null,
  location text not null,
  created_at integer not null,
  touched_at integer not null
) without rowid;

-- A blob is visible in an image through a row here, whoever else has it.
create table package_blobs (
  package_id integer not null references packages (id) on delete cascade,
  digest text not null references blobs (digest),
  created_at integer not null,
  primary key (package_id, digest)
) without rowid;
create index package_blobs_by_digest on package_blobs (digest);

-- What manifests point at; a blob that stands here is alive.
create table artifact_blobs (
  artifact_id integer not null references artifacts (id) on delete cascade,
  digest text not null,
  primary key (artifact_id, digest)
) without rowid;
create index artifact_blobs_by_digest on artifact_blobs (digest);

create table artifact_children (
  artifact_id integer not null references artifacts (id) on delete cascade,
  digest text not null,
  primary key (artifact_id, digest)
) without rowid;
create index artifact_children_by_digest on artifact_children (digest);

create table uploads (
  id text primary key,
  package_id integer not null references packages (id) on delete cascade,
  algorithm text not null,
  state text not null,
  taken integer not null,
  digest text not null,
  claimed_by text,
  claimed_until integer not null,
  created_at integer not null,
  touched_at integer not null
) without rowid;
create index uploads_by_package on uploads (package_id);
create index uploads_by_touch on uploads (touched_at);

create table jobs (
  id integer primary key,
  kind text not null,
  subject text not null,
  payload text not null,
  state text not null,
  run_at integer not null,
  attempts integer not null,
  claimed_by text,
  claimed_until integer not null,
  failure text,
  created_at integer not null,
  unique (kind, subject)
);
create index jobs_by_turn on jobs (state, run_at);

create table layer_records (
  diff_id text not null,
  analyser text not null,
  record blob not null,
  created_at integer not null,
  primary key (diff_id, analyser)
);

-- What is known of an image, by the digest of its manifest, wherever it lies.
create table scans (
  digest text not null primary key,
  state text not null,
  platform text,
  report blob,
  complete integer not null,
  reasons text not null,
  scanned_at integer not null,
  matched_at integer not null
);

create table scan_packages (
  digest text not null references scans (digest) on delete cascade,
  ecosystem text not null,
  name text not null,
  primary key (ecosystem, name, digest)
) without rowid;
create index scan_packages_by_digest on scan_packages (digest);

create table findings (
  digest text not null references scans (digest) on delete cascade,
  position integer not null,
  id text not null,
  severity integer not null,
  fixable integer not null,
  package text not null,
  version text not null,
  finding text not null,
  primary key (digest, position)
) without rowid;
create index findings_by_id on findings (id, digest);
