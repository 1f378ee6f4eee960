// SPDX-License-Identifier: MIT
//
// cases.mjs - all cases.

import "./options.mjs";
import "./code.mjs";
import "./promises.mjs";
import "./modules.mjs";
import "./values.mjs";
import "./functions.mjs";
import "./properties.mjs";
import "./kinds.mjs";
import "./contents.mjs";
import "./data.mjs";
import "./handles.mjs";
import "./snapshots.mjs";
import "./life.mjs";

export { cases, describeError } from "./case.mjs";
