{{ dwell.sessionize(relation=source('blog', 'reads'), entity=['reader_number'], at='read_at') }}
