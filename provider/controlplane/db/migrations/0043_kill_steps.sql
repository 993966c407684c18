-- The step of a provisioning job at which the process that reaches it next is killed; null = none.
ALTER TABLE dev_controls ADD kill_at text;
