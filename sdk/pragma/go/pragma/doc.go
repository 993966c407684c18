// Resources of Pragma's providers, provider code, and events that could not be processed.
package pragma
