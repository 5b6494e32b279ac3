{{ dwell.sessionize(relation=source('blog', 'reads'), partition_by=['reader_number'], order_by='read_at') }}
