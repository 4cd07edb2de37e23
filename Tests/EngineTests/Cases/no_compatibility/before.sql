-- compatibility: none leaves nothing under the old names.
CREATE TABLE goods (id integer PRIMARY KEY);
CREATE TYPE size AS ENUM ('s');
