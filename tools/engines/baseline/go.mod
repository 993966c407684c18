module polykomos.com/infra/tools/engines/baseline

go 1.26
