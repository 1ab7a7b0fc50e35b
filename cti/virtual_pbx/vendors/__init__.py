"""One file (or folder) for each vendor, each an implementation of `cti.virtual_pbx.contract.VirtualPbx`."""
