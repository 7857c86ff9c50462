// What is wrong with bills of materials by the official schema of CycloneDX 1.6. Standard input: JSON, an array of
// documents. Standard output: JSON, for each what is wrong, or null.
import { text } from 'node:stream/consumers'

import { Spec, Validation } from '../tools/node_modules/@cyclonedx/cyclonedx-library/dist.node/index.node.js'

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
const documents = JSON.parse(await text(process.stdin))
console.log(JSON.stringify(await Promise.all(documents.map((document) => validator.validate(JSON.stringify(document))))))
