-- The package stands beside each use of a blob: whether a package still uses one is a single indexed read, also for a
-- layer that a hundred thousand images of others share.
alter table artifact_blobs add column package_id integer not null default 0;
update artifact_blobs set package_id = (select a.package_id from artifacts a where a.id = artifact_id);
create index artifact_blobs_by_package on artifact_blobs (package_id, digest);
drop index artifact_blobs_by_digest;

-- Health: when a blob's bytes were last read and checked, and since when they are known to be damaged.
alter table blobs add column checked_at integer not null default 0;
alter table blobs add column damaged_at integer;
create index blobs_by_location on blobs (location);
create index blobs_by_check on blobs (checked_at, digest);
create index blobs_damaged on blobs (digest) where damaged_at is not null;

-- Blobs of packages that may have lost their last use: looked at when the grace period after `queued_at` is over.
create table link_reviews (
  package_id integer not null references packages (id) on delete cascade,
  digest text not null,
  queued_at integer not null,
  primary key (package_id, digest)
) without rowid;
create index link_reviews_by_time on link_reviews (queued_at, package_id, digest);
insert into link_reviews (package_id, digest, queued_at) select package_id, digest, created_at from package_blobs;

-- Bytes that no row speaks of any more, to be removed from the store a little later. Every commit makes a new location,
-- so what stands here can never come back to life.
create table condemned_blobs (
  location text primary key,
  digest text not null,
  size integer not null,
  condemned_at integer not null
) without rowid;
create index condemned_blobs_by_time on condemned_blobs (condemned_at);

-- In how many packages of a repository a blob is visible: it counts once for the repository's room.
create table repository_blobs (
  repository_id integer not null references repositories (id) on delete cascade,
  digest text not null,
  packages integer not null,
  primary key (repository_id, digest)
) without rowid;
insert into repository_blobs (repository_id, digest, packages)
select p.repository_id, l.digest, count(*) from package_blobs l join packages p on p.id = l.package_id
group by p.repository_id, l.digest;

-- The room that a repository takes, and may take at most.
create table repository_usage (
  repository_id integer primary key references repositories (id) on delete cascade,
  blob_bytes integer not null,
  document_bytes integer not null,
  quota_bytes integer
);
insert into repository_usage (repository_id, blob_bytes, document_bytes)
select r.id,
  coalesce((select sum(b.size) from repository_blobs l join blobs b on b.digest = l.digest where l.repository_id = r.id), 0),
  coalesce((select sum(a.size) from artifacts a join packages p on p.id = a.package_id where p.repository_id = r.id), 0)
from repositories r;

-- One row for each act of deleting, which is what can be taken back until `purge_at`.
create table deletions (
  id integer primary key autoincrement,
  package_id integer not null references packages (id) on delete cascade,
  reason text not null,
  deleted_at integer not null,
  deleted_by text not null,
  purge_at integer not null
);
create index deletions_by_package on deletions (package_id, id);
create index deletions_by_purge on deletions (purge_at);

-- What is deleted lies apart, so that nothing that looks for the living can find it. Its blobs are kept until the purge.
create table deleted_artifacts (
  id integer primary key,
  deletion_id integer not null references deletions (id) on delete cascade,
  package_id integer not null references packages (id) on delete cascade,
  digest text not null,
  media_type text not null,
  artifact_type text,
  subject text,
  annotations text,
  size integer not null,
  document blob not null,
  pushed_at integer not null,
  pushed_by text not null
);
create index deleted_artifacts_by_deletion on deleted_artifacts (deletion_id);
create index deleted_artifacts_by_digest on deleted_artifacts (package_id, digest);
create index deleted_artifacts_anywhere on deleted_artifacts (digest);

create table deleted_artifact_blobs (
  deleted_artifact_id integer not null references deleted_artifacts (id) on delete cascade,
  package_id integer not null,
  digest text not null,
  primary key (deleted_artifact_id, digest)
) without rowid;
create index deleted_artifact_blobs_by_package on deleted_artifact_blobs (package_id, digest);

create table deleted_artifact_children (
  deleted_artifact_id integer not null references deleted_artifacts (id) on delete cascade,
  digest text not null,
  primary key (deleted_artifact_id, digest)
) without rowid;
create index deleted_artifact_children_by_digest on deleted_artifact_children (digest);

create table deleted_tags (
  deletion_id integer not null references deletions (id) on delete cascade,
  package_id integer not null references packages (id) on delete cascade,
  name text not null,
  digest text not null,
  media_type text not null,
  updated_at integer not null,
  primary key (deletion_id, name)
) without rowid;
create index deleted_tags_by_name on deleted_tags (package_id, name);
create index deleted_tags_by_digest on deleted_tags (package_id, digest);

-- Since when no tag points at a manifest any more.
create index tag_history_by_digest on tag_history (package_id, digest, id);

-- When a tag or a digest was last pulled; written in batches, so a crash forgets the last few seconds.
create table pulls (
  package_id integer not null references packages (id) on delete cascade,
  reference text not null,
  pulled_at integer not null,
  primary key (package_id, reference)
) without rowid;

-- What the last run of each kind of upkeep found, as JSON.
create table upkeep_reports (
  kind text primary key,
  report text not null,
  finished_at integer not null
) without rowid;

-- What the full names of a repository's packages begin with: in their order the repositories follow each other as in the
-- catalogue, so that those which somebody may not see are passed over in one step.
alter table repositories add column prefix text not null default '';
update repositories set prefix = name || '/';
create index repositories_by_visibility on repositories (visibility, prefix);

-- Whether a package holds something, for lists: 0 means surely nothing, 1 that it did when it was last looked at.
alter table packages add column filled integer not null default 0;
update packages set filled = 1 where exists (select 1 from artifacts a where a.package_id = packages.id);
create index packages_filled on packages (full_name) where filled = 1;
create index packages_filled_by_repository on packages (repository_id, name) where filled = 1;

create trigger artifacts_fill_package after insert on artifacts begin
  update packages set filled = 1 where id = new.package_id and filled = 0;
end;
create trigger artifacts_leave_package after delete on artifacts begin
  update packages set filled = 0 where id = old.package_id
    and not exists (select 1 from artifacts a where a.package_id = old.package_id);
end;

-- Referrers of one kind, however many others the subject has.
create index artifacts_by_type on artifacts (package_id, subject, artifact_type, digest) where subject is not null;

-- A worker finds what is due of its kinds, however many jobs of others wait; and what nobody works on any more.
drop index jobs_by_turn;
create index jobs_by_kind on jobs (kind, state, run_at, id);
create index jobs_running on jobs (claimed_until) where state = 'running';
create index uploads_claimed on uploads (id) where claimed_by is not null;
