// The bill of materials (CycloneDX 1.6) of a Go binary, from the build information
// in the binary.
//
//   node scripts/print-go-sbom.mjs BINARY
import { execFileSync } from 'node:child_process'

const info = JSON.parse(execFileSync('go', ['version', '-m', '-json', process.argv[2]], { encoding: 'utf8' }))
const library = ({ Path: name, Version: version, Replace: replacement, Sum: sum }) => {
  if (replacement) return library(replacement)
  const purl = `pkg:golang/${name.split('/').map(encodeURIComponent).join('/')}@${version}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    properties: [{ name: 'go:sum', value: sum }],
  }
}
const standard = info.GoVersion.replace(/^go/, '')
const components = [
  ...info.Deps.map(library),
  {
    type: 'library',
    'bom-ref': `pkg:golang/std@${standard}`,
    name: 'std',
    version: standard,
    purl: `pkg:golang/std@${standard}`,
  },
]
const component = {
  type: 'application',
  'bom-ref': `pkg:golang/${info.Main.Path}@${info.Main.Version}`,
  name: info.Main.Path,
  version: info.Main.Version,
}
const dependencies = [{ ref: component['bom-ref'], dependsOn: components.map((c) => c['bom-ref']) }]
console.log(
  JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component },
      components,
      dependencies,
    },
    null,
    2,
  ),
)
