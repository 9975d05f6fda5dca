"""Which browsers the tests drive, how they are started, and how long they may take."""

from __future__ import annotations

import os
import shutil
from typing import Any

from playwright.sync_api import Browser, BrowserContext

PATIENCE = 90_000
"""Milliseconds for whatever a page is to do. Playwright's own 5 s, or 30 s for a page load, are too
few for a machine at a fifth of its speed."""

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# The same engine without the window around it: a page load takes 0.35 s of CPU, not 0.46. Tests of
# what Chromium itself decides, such as who may keep cookies, are marked `whole_chromium`.
HEADLESS = shutil.which("chromium-headless-shell") or CHROMIUM
# All but the last two are Playwright's own, which this replaces. Those two load pages of Chromium's
# for the address bar of each profile: 0.7 of the 1.9 s of CPU that a first load took.
DISABLED_FEATURES = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
)

CHROMIUM_ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
    "--in-process-gpu",  # 0.45 s of CPU for a page load, not 0.48
    # A page load of 0.34 s of CPU takes 0.27 s without a thread of the compositor's own, and 0.24 s
    # without optimised code as well: a page lives too short for it.
    *("--js-flags=--no-opt --no-maglev",),
    "--disable-features=" + ",".join(DISABLED_FEATURES),
    # A moving picture costs more than all else on a page; five a second will do for a photo.
    *("--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream"),
]


def new_profile(browser: Browser, **options: Any) -> BrowserContext:
    """A profile that is patient; the options are Playwright's for a context."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context
