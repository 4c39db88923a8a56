import subprocess
import sys
from pathlib import Path

import pytest
from loader_shards import sample_documents

from vlm.loader import read_documents

TOOL = Path(__file__).parents[4] / "shared" / "tools" / "check_shards.py"


def test_every_document_is_read_in_order_with_its_images(sample):
    documents = sample_documents(200)
    read = list(read_documents(str(sample)))
    assert [d.key for d in read] == sorted(documents)
    for document in read:
        want = [n["text"] if "text" in n else n["image"] for n in documents[document.key]]
        assert document.nodes == want
        assert document.content["general_metadata"]["url"].endswith(document.key)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not TOOL.exists(), reason="needs ../shared/tools/check_shards.py")
def test_the_shards_of_these_tests_obey_the_format(sample, second):
    for folder in (sample, second):
        done = subprocess.run([sys.executable, str(TOOL), str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
