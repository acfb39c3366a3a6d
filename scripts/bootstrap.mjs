/**
 * Refuses a Node that is too old, before anything is installed, and hands over to prepare.mjs. Every npm script begins
 * with it. It is written for Node 12: an older Node must get as far as the refusal, so nothing newer stands here, and
 * prepare.mjs is loaded only after the check.
 */
const NODE_VERSION_MIN = [20, 19];
const PLATFORMS = ['linux', 'darwin'];

function whyNot() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = NODE_VERSION_MIN;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    const wanted = NODE_VERSION_MIN.join('.');
    return `Node ${wanted} or newer is needed, and this is ${process.versions.node}. See https://nodejs.org.`;
  }
  if (!PLATFORMS.includes(process.platform)) {
    return `It runs on Linux and macOS, and this is ${process.platform}. Use WSL or a container.`;
  }
  return undefined;
}

const reason = whyNot();
if (reason === undefined) {
  import('./prepare.mjs');
} else {
  process.stderr.write(`holdfast: ${reason}\n`);
  process.exitCode = 1;
}
