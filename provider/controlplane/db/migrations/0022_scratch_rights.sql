-- The scratch role loses sight of other sessions: it is made again, with the rights of today.
DELETE FROM scratch;
