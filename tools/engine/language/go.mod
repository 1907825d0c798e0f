// Builds Pulumi's Python language host: since v3.80 it is in no module of its own that can be fetched.
module local/pulumi-language-python

go 1.25

require github.com/pulumi/pulumi/sdk/v3 v3.79.0
