-- The state of each feed. Its rows are those of its generation: a new state is written beside the old one, then switched to.
create table advisory_feeds (
  source text primary key,
  generation integer not null,
  revision text not null,
  importer integer not null,
  updated_at integer not null,
  imported_at integer not null,
  records integer not null,
  ecosystems text not null
) without rowid;
create index advisory_feeds_by_revision on advisory_feeds (revision);

-- Every generation that has rows, so that an import which died half-way is found and cleared.
create table advisory_generations (
  generation integer primary key,
  touched_at integer not null
);

-- All that one feed says of one package, as JSON; a long list goes on in the next part.
create table advisory_packages (
  id integer primary key,
  generation integer not null,
  ecosystem text not null,
  name text not null,
  part integer not null,
  digest text not null,
  advisories text not null,
  unique (ecosystem, name, generation, part)
);
create index advisory_packages_by_generation on advisory_packages (generation, id);

-- What a feed says of a vulnerability by itself, whatever the package: its rating, its title, that it is exploited.
create table advisory_notes (
  id integer primary key,
  generation integer not null,
  vulnerability text not null,
  note text not null,
  unique (vulnerability, generation)
);
create index advisory_notes_by_generation on advisory_notes (generation, id);

-- What a download answered last, to ask only for what is newer.
create table advisory_downloads (
  url text primary key,
  source text not null,
  etag text,
  last_modified text,
  checked_at integer not null
) without rowid;
