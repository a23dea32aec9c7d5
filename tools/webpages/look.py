"""What a heading is called in an address, and what the theme is told."""


def anchor(title):
    """The anchor of the heading title, as JupyterLab writes it: "Break it" gives "Break-it"."""
    return title.replace(" ", "-")


def options(settings):
    """The theme's options, with the buttons whose addresses settings hold."""
    shown = {
        "navigation_depth": 1,  # deeper would have each page copy the headings of all others
        "collapse_navigation": True,
        "use_download_button": False,
        "navbar_persistent": [],  # search stands in the side bar
        "path_to_docs": "",
    }
    if not settings["repository"]:
        return shown
    buttons = {"notebook_interface": "jupyterlab"}
    names = {"binder": "binderhub_url", "jupyterhub": "jupyterhub_url"}
    buttons |= {option: settings[name] for name, option in names.items() if settings[name]}
    return {
        **shown,
        "repository_url": settings["repository"],
        "repository_branch": settings["branch"],
        "use_repository_button": True,
        "launch_buttons": buttons,
    }
