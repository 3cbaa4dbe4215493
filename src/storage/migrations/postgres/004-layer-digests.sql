-- What packed layers unpack to, as far as it was seen and not only said by an image.
create table layer_digests (
  digest text collate "C" primary key,
  diff_id text collate "C" not null
);
