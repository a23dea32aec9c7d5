"""What tools/website.py and site/conf.py share: the site's pages, before and after sphinx."""
