// Builds the Pulumi CLI where no release can be downloaded: see tools/engine/get.py.
module local/pulumi-cli

go 1.25

require github.com/pulumi/pulumi/pkg/v3 v3.259.0

// The module that Pulumi itself replaces; a dependent build has to repeat it.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
