-- How far a MySQL application has begun: 0 = it runs, and all of it can be taken back; n = its n-th statement, which
-- cannot, was about to run. Null: nothing was run in the tenant's database.
ALTER TABLE blueprint_applications ADD statements_started integer;
