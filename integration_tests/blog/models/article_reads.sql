{{ dwell.sessionize(relation=source('blog', 'reads'), partition_by=['person'], order_by='read_at') }}
