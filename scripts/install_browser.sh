#!/bin/sh
# Make a Chromium available to the tests: the one that is there, the system's package, or Playwright's own.
# Usage: install_browser.sh PYTHON
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing chromium"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 && exit 0
fi
"$1" -m playwright install chromium >/dev/null 2>&1 && exit 0
echo "No Chromium could be installed: the tests that look at a report in a browser will be skipped."
