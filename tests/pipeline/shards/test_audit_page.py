import base64

from pipeline.shards.audit_page import audit_page
from pipeline.shards.recut import Source


def test_every_text_and_image_is_on_the_page_and_nothing_can_break_out(sound, documents):
    source = Source(sound)
    samples = [source.read(at) for at in source.locations()]
    page = "".join(audit_page(samples))
    assert page.count("<article>") == len(samples) == 12
    assert page.count("<img ") == 16
    assert "Ünïcode &lt;b&gt;text&lt;/b&gt; &amp; more." in page
    assert base64.b64encode(samples[0].images["000.jpg"]).decode() in page
    assert "<script" not in page
    assert all(document["general_metadata"]["url"] in page for document in documents(sound).values())
