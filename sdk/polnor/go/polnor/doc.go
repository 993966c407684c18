// Compute instances, jobs, serving endpoints, SQL and the catalog of Polnor's data platform.
package polnor
