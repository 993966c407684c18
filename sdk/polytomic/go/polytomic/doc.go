// SQL on the connections of a Polytomic organization, by its query runner.
package polytomic
