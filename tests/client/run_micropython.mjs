// Runs a Python file on MicroPython in Node: run_micropython.mjs FILE PACKAGE_DIR...
import fs from "node:fs";
import path from "node:path";
import { loadMicroPython } from "../../vendor/micropython/micropython.mjs";

const [file, ...packages] = process.argv.slice(2);
const python = await loadMicroPython({ stdout: (line) => console.log(line), linebuffer: true, heapsize: 8 << 20 });
for (const folder of packages) {
  const name = path.basename(folder);
  python.FS.mkdir(`/${name}`);
  for (const module of fs.readdirSync(folder).filter((entry) => entry.endsWith(".py")))
    python.FS.writeFile(`/${name}/${module}`, fs.readFileSync(path.join(folder, module)));
}
python.runPython('import sys; sys.path.insert(0, "/")');
try {
  await python.runPythonAsync(fs.readFileSync(file, "utf8"));
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
}
